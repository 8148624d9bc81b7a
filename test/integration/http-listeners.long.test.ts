/** Those who follow runs hold a connection each for as long as they like: how many may, and what of one that does not read. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { type Listening, listen } from '../../src/http/listen.ts';
import type { ListenerLimits } from '../../src/http/run-events.ts';
import { RUN, RUN_STATE, testParts } from '../support/http-parts.ts';
import { sendRaw } from '../support/raw-http.ts';
import { type EventStream, listenTo } from '../support/sse.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server whose one run goes on for ever, and has so much to tell each time that it is looked at. */
async function serve(listeners: Partial<ListenerLimits>, chars = 10) {
  let looks = 0;
  const parts = testParts();
  const follow = () => ({
    read: async () => {
      looks += 1;
      return { ...RUN_STATE, status: 'running' as const, lastPath: `${'x'.repeat(chars)}${looks}` };
    },
  });
  const app = createApp({ ...parts, listeners, browser: { ...parts.browser, follow } });
  const server = await listen(app, { host: '127.0.0.1', port: 0, log: parts.log }, new AbortController().signal);
  closers.push(() => server.close());
  return { server, url: `http://127.0.0.1:${server.port}/api/runs/${RUN.id}/events`, looks: () => looks };
}

async function follow(url: string): Promise<EventStream> {
  const stream = await listenTo(url);
  closers.push(() => stream.close());
  return stream;
}

async function dial({ port }: Listening): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(`GET /api/runs/${RUN.id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

describe('listeners', () => {
  test('beyond as many as may are told so, until one has gone', async () => {
    const { url } = await serve({ most: 2 });
    const first = await follow(url);
    await follow(url);
    const third = await fetch(url);
    expect(third.status).toBe(429);
    expect(await third.json()).toMatchObject({ code: 'TOO_MANY_LISTENERS' });
    first.close();
    await expect.poll(async () => (await follow(url)).response.status).toBe(200);
  });

  test('that ask for a run that there is not, or only for its head, take nobody’s place', async () => {
    const { url, server } = await serve({ most: 1 });
    for (let i = 0; i < 3; i++) {
      expect((await fetch(url.replace(RUN.id, 'nothing'))).status).toBe(404);
      expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    }
    const open = await follow(url);
    expect([open.response.status, await open.next()]).toMatchObject([200, { event: 'progress' }]);
    const health = await sendRaw(server.port, { method: 'GET', target: '/api/health', headers: [], body: null });
    expect(health.status).toBe(200);
  });

  test('that read nothing are cut off, and nothing is gathered for them meanwhile', async () => {
    const stalledMs = 2_000;
    const { server, url, looks } = await serve({ stalledMs }, 8_000_000);
    const reader = await follow(url);
    const deaf = await dial(server);
    deaf.pause();
    const gone = once(deaf, 'close');
    // Kernels take a few megabytes on their own account before a writer notices.
    const longAfterMs = performance.now() + 3 * stalledMs;
    while (looks() < 6 || performance.now() < longAfterMs) await reader.next();
    deaf.resume();
    await gone;
    expect(deaf.bytesRead).toBeLessThan(25_000_000);
    expect(await reader.next()).toMatchObject({ event: 'progress' });
  });

  test('that asked for their connection to be closed find it closed after the report', async () => {
    const parts = testParts();
    const server = await listen(
      createApp(parts),
      { host: '127.0.0.1', port: 0, log: parts.log },
      new AbortController().signal,
    );
    closers.push(() => server.close());
    // The answer ends with the connection, or this would take Node's five seconds of keeping it.
    const target = `/api/runs/${RUN.id}/events`;
    const answer = await sendRaw(server.port, { method: 'GET', target, headers: [], body: null }, 4_000);
    expect([answer.headers.get('connection'), answer.body]).toEqual([
      'close',
      expect.stringContaining('event: report'),
    ]);
  });
});
