import { describe, expect, test } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import { createApp } from '../../src/http/app.ts';
import type { HttpParts } from '../../src/http/parts.ts';
import type { SyncService } from '../../src/sync/service.ts';
import { ARCHIVED, LIBRARY, SERVICE, testParts } from '../support/http-parts.ts';

type Asked = Parameters<SyncService['restore']>[0];

function api(replaced: Partial<HttpParts> = {}) {
  const asked: Asked[] = [];
  const looked: { library?: string }[] = [];
  const service: SyncService = {
    ...SERVICE,
    restore: async (request) => {
      asked.push(request);
      return [ARCHIVED];
    },
    restoreStatus: async (request) => {
      looked.push(request);
      return [ARCHIVED];
    },
  };
  const app = createApp(testParts({ service, ...replaced }));
  const restore = (body?: unknown) =>
    app.request('/api/archive/restore', {
      method: 'POST',
      ...(body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
  return { app, asked, looked, restore };
}

describe('GET /api/archive', () => {
  test.each([
    ['', [ARCHIVED]],
    ['?library=Family', [ARCHIVED]],
    [`?library=${LIBRARY.id}&limit=1`, [ARCHIVED]],
  ])('%s answers a page of what waits, and asks the bucket nothing', async (query, archived) => {
    const { app, looked } = api();
    const response = await app.request(`/api/archive${query}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ archived, nextCursor: null });
    expect(looked).toEqual([]);
  });

  test('?look=true looks at the objects first, of the library that is named', async () => {
    const { app, looked } = api();
    expect((await app.request('/api/archive?look=true')).status).toBe(200);
    expect((await app.request('/api/archive?look=true&library=Family')).status).toBe(200);
    expect((await app.request('/api/archive?look=false')).status).toBe(200);
    expect(looked).toEqual([{}, { library: 'Family' }]);
  });

  test.each([
    ['?library=nobody', 404, 'library'],
    ['?look=yes', 400, 'look'],
    ['?limit=0', 400, 'limit'],
    ['?state=failed', 400, 'state'],
  ])('%s is refused with %i, naming %s', async (query, status, field) => {
    const response = await api().app.request(`/api/archive${query}`);
    expect(await response.json()).toMatchObject({ status, field });
  });
});

describe('POST /api/archive/restore', () => {
  test.each([
    ['nothing', undefined, { days: 7, tier: 'Standard' }],
    ['an empty object', {}, { days: 7, tier: 'Standard' }],
    ['a library', { library: 'Family' }, { library: 'Family', days: 7, tier: 'Standard' }],
    ['days and a tier', { days: 365, tier: 'Bulk' }, { days: 365, tier: 'Bulk' }],
  ])('of %s asks with what is said and the defaults, and answers what came of each', async (_name, body, request) => {
    const { restore, asked } = api();
    const response = await restore(body);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ archived: [ARCHIVED] });
    expect(asked).toEqual([request]);
  });

  test.each([
    [{ days: 0 }, 'days', 'days must be a whole number from 1 to 365'],
    [{ days: 366 }, 'days', 'days must be a whole number from 1 to 365'],
    [{ days: 1.5 }, 'days', 'days must be a whole number from 1 to 365'],
    [{ days: '7' }, 'days', 'days must be a whole number from 1 to 365'],
    [{ tier: 'standard' }, 'tier', 'tier must be one of Bulk, Standard, Expedited'],
    [{ album: 'x' }, 'album', 'album is not known; a restore takes library, days, tier'],
  ])('refuses %j and asks for nothing', async (body, field, detail) => {
    const { restore, asked } = api();
    const response = await restore(body);
    expect(await response.json()).toMatchObject({ status: 400, code: 'BAD_INPUT', field, detail });
    expect(asked).toEqual([]);
  });

  test('says of a bucket that cannot be used that it is the bucket', async () => {
    const { restore } = api({
      service: {
        ...SERVICE,
        restore: async () => {
          throw new RollcallError('BUCKET_MISSING', 'there is no bucket family');
        },
      },
    });
    expect(await (await restore()).json()).toMatchObject({ status: 502, code: 'BUCKET_MISSING' });
  });
});
