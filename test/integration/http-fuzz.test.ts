/** Whatever is sent, the answer is a 2xx or a problem document of 4xx, and a refusal has changed nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attackAll, faultOf, readTargets, undo } from '../support/api-attack.ts';
import type { Target } from '../support/api-fuzz.ts';
import { createFuzzWorld, type FuzzWorld } from '../support/fuzz-world.ts';
import { sendRaw } from '../support/raw-http.ts';

let world: FuzzWorld;
let targets: Target[];

beforeAll(async () => {
  world = await createFuzzWorld({ queue: false });
  targets = await readTargets(world);
});
afterAll(() => world.close());

describe('requests made from the OpenAPI document', () => {
  test('are answered when they are right, every route of it', async () => {
    const refused: string[] = [];
    for (const { name, right } of targets) {
      const answer = await sendRaw(world.port, right);
      expect([name, faultOf(answer)]).toEqual([name, null]);
      if (answer.status >= 400) refused.push(`${name} ${answer.status}`);
      await undo(world, answer);
      if (right.method !== 'GET') await world.restore();
    }
    // A run that is over, and a library that there is not.
    expect(refused).toEqual(['POST /api/runs/{id}/cancel 409', 'DELETE /api/libraries/{id} 404']);
  });

  test('reach into every field, those of lists and of lists of objects too', () => {
    const of = (name: string) => targets.find((target) => target.name === name)?.slots;
    expect(targets.length).toBeGreaterThan(30);
    expect(of('POST /api/s3/compare')).toContain('body localImages.0.localPath');
    expect(of('POST /api/s3/upload')).toContain('body images.0.filename');
    expect(of('POST /api/reupload')).toContain('body photoIds.0');
    expect(of('GET /api/albums/{id}/photos')).toEqual(
      expect.arrayContaining(['path id', 'query state', 'query cursor']),
    );
    expect(of('GET /api/runs/{id}/events')).toContain('header Last-Event-ID');
  });

  test('are answered well when they are hostile, and nothing that is refused has changed anything', async () => {
    // More of them, and with the queue: test/e2e/http-fuzz.long.test.ts.
    expect(await attackAll(world, targets, { runs: 1 })).toEqual([]);
    const health = await sendRaw(world.port, { method: 'GET', target: '/api/health', headers: [], body: null });
    expect([health.status, JSON.parse(health.body)]).toMatchObject([200, { status: 'ok' }]);
  });
});

describe('what is hardly HTTP', () => {
  const JSON_TYPE = ['Content-Type', 'application/json'] as const;

  test.each([
    ['a method that nobody knows', { method: 'BREW' }, 400],
    ['a method that nobody takes', { method: 'PROPFIND' }, 405],
    ['TRACE', { method: 'TRACE' }, 405],
    ['an address that is none', { target: 'api/libraries' }, 400],
    ['no address', { target: '' }, 400],
    ['an address of 100 kB', { target: `/${'a'.repeat(100_000)}` }, 431],
    ['headers of 100 kB', { headers: [['X-Large', 'a'.repeat(100_000)]] as const }, 431],
    ['a header with a NUL', { headers: [['X-Odd', 'a\0b']] as const }, 400],
    ['a header without a name', { headers: [['', 'a']] as const }, 400],
    [
      'two lengths',
      {
        headers: [
          ['Content-Length', '2'],
          ['Content-Length', '3'],
        ] as const,
      },
      400,
    ],
    [
      'a length and chunks',
      {
        headers: [
          ['Content-Length', '2'],
          ['Transfer-Encoding', 'chunked'],
        ] as const,
      },
      400,
    ],
    ['a length that is none', { headers: [['Content-Length', '-1']] as const }, 400],
    ['an encoding that nobody knows', { headers: [['Transfer-Encoding', 'nonsense']] as const }, 400],
  ] as const)('%s is refused with a problem document', async (_what, odd, status) => {
    const answer = await sendRaw(world.port, { method: 'POST', target: '/api/sync', headers: [], body: null, ...odd });
    expect([answer.status, faultOf(answer)]).toEqual([status, null]);
  });

  test('an expectation that nobody knows is passed over', async () => {
    const headers = [['Expect', 'the-unexpected']] as const;
    const answer = await sendRaw(world.port, { method: 'GET', target: '/api/libraries', headers, body: null });
    expect(answer.status).toBe(200);
  });

  test('chunks that are none are refused', async () => {
    const headers = [JSON_TYPE, ['Transfer-Encoding', 'chunked']] as const;
    const body = Buffer.from('zz\r\n{"dryRun":true}\r\n0\r\n\r\n');
    const answer = await sendRaw(world.port, { method: 'POST', target: '/api/sync', headers, body });
    expect([answer.status, faultOf(answer)]).toEqual([400, null]);
  });
});
