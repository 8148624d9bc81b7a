import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { type Listening, listen, type Patience } from '../../src/http/listen.ts';
import type { HttpParts } from '../../src/http/parts.ts';
import type { Report } from '../../src/sync/types.ts';
import { LIBRARY, REPORT, SERVICE, testParts } from '../support/http-parts.ts';

/** What a test opened, closed in reverse after it. */
let closers: (() => Promise<unknown>)[];

beforeEach(() => {
  closers = [];
});

afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

interface Setup {
  readonly parts?: Partial<HttpParts>;
  readonly port?: number;
  readonly host?: string;
  readonly patience?: Partial<Patience>;
  readonly signal?: AbortSignal;
}

async function start(setup: Setup = {}) {
  const parts = testParts(setup.parts);
  const { host = '127.0.0.1', port = 0, patience = {}, signal = new AbortController().signal } = setup;
  const server = await listen(createApp(parts), { host, port, log: parts.log, patience }, signal);
  closers.push(() => server.close());
  return { server, parts, url: `http://127.0.0.1:${server.port}` };
}

/** A sync that runs until it is let go, or told to stop when it obeys. */
function heldSync({ obeys }: { obeys: boolean }) {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<Report>();
  const signals: AbortSignal[] = [];
  const service: HttpParts['service'] = {
    ...SERVICE,
    sync: async (_request, _hooks, signal) => {
      signals.push(signal);
      start();
      if (!obeys) return released;
      const stopped = once(signal, 'abort').then(() => signal.throwIfAborted());
      return Promise.race([released, stopped.then(() => released)]);
    },
  };
  return { service, started, release: () => release(REPORT), signals };
}

/** A connection that speaks bytes, and what came back when the other side ended it. */
async function dial({ port }: Listening): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const answer = once(socket, 'close').then(() => text);
  closers.push(async () => socket.destroy());
  await once(socket, 'connect');
  return { socket, answer };
}

/** Keeps a port busy. */
async function occupy(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => server.close());
  return (server.address() as AddressInfo).port;
}

describe('listening', () => {
  test('takes the port that is asked for, or any for 0, and answers there', async () => {
    const { server, url } = await start();
    expect(server).toMatchObject({ address: '127.0.0.1', portWasBusy: null });
    expect((await fetch(`${url}/api/health`)).status).toBe(200);
    const { port } = server;
    await server.close();
    expect((await start({ port })).server).toMatchObject({ port, portWasBusy: null });
  });

  test('takes a later port when that one is busy, and says so', async () => {
    const busy = await occupy(createServer());
    const { server, url } = await start({ port: busy });
    expect(server.portWasBusy).toBe(busy);
    expect(server.port).not.toBe(busy);
    expect((await fetch(`${url}/api/libraries`)).status).toBe(200);
  });

  test('takes any port when the last one there is is busy', async () => {
    // Whoever holds that port, one of these two comes too late.
    const [one, two] = [await start({ port: 65_535 }), await start({ port: 65_535 })];
    const late = one.server.portWasBusy === null ? two : one;
    expect(late.server.portWasBusy).toBe(65_535);
    expect((await fetch(`${late.url}/api/libraries`)).status).toBe(200);
  });

  test('two that start at the same time both come up', async () => {
    const busy = await occupy(createHttpServer());
    const [one, two] = await Promise.all([start({ port: busy }), start({ port: busy })]);
    expect(one.server.port).not.toBe(two.server.port);
  });

  test('an address of another machine is a wrong HOST', async () => {
    await expect(start({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'BAD_CONFIG', field: 'HOST' });
  });

  test('does not begin when it is cancelled already', async () => {
    await expect(start({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('closing', () => {
  test('lets a running request finish and takes no new ones', async () => {
    const held = heldSync({ obeys: true });
    const { server, url } = await start({ parts: { service: held.service }, patience: { finishMs: 60_000 } });
    const answer = fetch(`${url}/api/sync`, { method: 'POST' });
    await held.started;
    const closed = server.close();
    await expect(fetch(`${url}/api/health`)).rejects.toThrow();
    held.release();
    const response = await answer;
    expect([response.status, response.headers.get('Connection')]).toEqual([200, 'close']);
    expect(await response.json()).toEqual(REPORT);
    await closed;
  });

  test('tells work that takes longer to stop, and answers for it', async () => {
    const held = heldSync({ obeys: true });
    const patience = { finishMs: 1, drainMs: 60_000 };
    const { server, url } = await start({ parts: { service: held.service }, patience });
    const answer = fetch(`${url}/api/sync`, { method: 'POST' });
    await held.started;
    await server.close();
    const response = await answer;
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: 'CANCELLED' });
  });

  test('ends in bounded time although work does not stop', async () => {
    const held = heldSync({ obeys: false });
    const { server, url } = await start({ parts: { service: held.service }, patience: { finishMs: 1, drainMs: 1 } });
    const answer = fetch(`${url}/api/sync`, { method: 'POST' });
    const cut = expect(answer).rejects.toThrow();
    await held.started;
    await server.close();
    await cut;
    expect(held.signals[0]?.aborted).toBe(true);
    held.release();
  });

  test('waits for work whose caller hung up', async () => {
    const held = heldSync({ obeys: true });
    const { server, url } = await start({ parts: { service: held.service }, patience: { finishMs: 60_000 } });
    const caller = new AbortController();
    const answer = fetch(`${url}/api/sync`, { method: 'POST', signal: caller.signal });
    const gone = expect(answer).rejects.toThrow();
    await held.started;
    caller.abort();
    await gone;
    expect(held.signals[0]?.aborted).toBe(false);
    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    await expect(fetch(`${url}/api/health`)).rejects.toThrow();
    expect(closed).toBe(false);
    held.release();
    await closing;
  });

  test('does not wait for connections that ask for nothing', async () => {
    const { server, url } = await start({ patience: { finishMs: 600_000, drainMs: 600_000 } });
    const silent = await dial(server);
    const halfway = await dial(server);
    halfway.socket.write('GET /api/health HTTP/1.1\r\nHost: local');
    await fetch(`${url}/api/health`);
    await server.close();
    expect(await Promise.all([silent.answer, halfway.answer])).toEqual(['', '']);
  });

  test('happens when the signal aborts, and once however often it is asked for', async () => {
    const stop = new AbortController();
    const { server, url } = await start({ signal: stop.signal });
    stop.abort();
    const again = server.close();
    expect(server.close()).toBe(again);
    await again;
    await expect(fetch(`${url}/api/health`)).rejects.toThrow();
  });
});

describe('clients', () => {
  const request = (lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`;

  test('one that sends more than 1 MiB gets 413, announced or in chunks', async () => {
    const { url, parts } = await start();
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ album: 'x'.repeat(1024 * 1024) });
    const announced = await fetch(`${url}/api/sync`, { method: 'POST', headers, body });
    expect(announced.status).toBe(413);
    expect(await announced.json()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    const stream = new Blob([body]).stream();
    const chunked = await fetch(`${url}/api/sync`, { method: 'POST', headers, body: stream, duplex: 'half' });
    expect(chunked.status).toBe(413);
    expect(parts.asked).toEqual([]);
  });

  test('one that never ends its headers is cut off with 408', async () => {
    const { server } = await start({ patience: { headersMs: 100, requestMs: 60_000 } });
    const { socket, answer } = await dial(server);
    socket.write('POST /api/sync HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    expect(await answer).toMatch(/^HTTP\/1.1 408 /);
  });

  test('one that never ends its body is cut off with 408, and its half body syncs nothing', async () => {
    const { server, parts } = await start({ patience: { headersMs: 100, requestMs: 200 } });
    const { socket, answer } = await dial(server);
    const head = ['POST /api/sync HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Content-Length: 50'];
    socket.write(`${request(head)}{"dryRun":`);
    expect(await answer).toMatch(/^HTTP\/1.1 408 /);
    expect(parts.asked).toEqual([]);
    expect(parts.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('one that waits for a long run is not cut off by the limits on sending', async () => {
    const held = heldSync({ obeys: true });
    const patience = { headersMs: 1_000, requestMs: 1_000 };
    const { server, url } = await start({ parts: { service: held.service }, patience });
    const answer = fetch(`${url}/api/sync`, { method: 'POST' });
    await held.started;
    // A client that is cut off after both limits shows that they have passed.
    const slow = await dial(server);
    slow.socket.write('GET / HTTP/1.1\r\nX-Slow: ');
    expect(await slow.answer).toMatch(/^HTTP\/1.1 408 /);
    held.release();
    expect((await answer).status).toBe(200);
  });

  test('one that hangs up in the middle of its body does no harm', async () => {
    const { server, url, parts } = await start();
    const { socket, answer } = await dial(server);
    const head = ['POST /api/libraries HTTP/1.1', 'Host: localhost', 'Content-Length: 50'];
    socket.end(request(head));
    await answer;
    expect((await fetch(`${url}/api/libraries`)).status).toBe(200);
    expect(parts.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('one whose address cannot be read gets a problem document', async () => {
    const { server } = await start();
    const { socket, answer } = await dial(server);
    socket.write(request(['GET /api/runs HTTP/1.1', 'Host: loca lhost', 'Connection: close']));
    expect(await answer).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json.*"BAD_INPUT"/s);
  });

  test('one that rebinds its name to this machine is refused', async () => {
    const { server } = await start();
    const { socket, answer } = await dial(server);
    socket.write(request(['GET /api/libraries HTTP/1.1', 'Host: rebound.example', 'Connection: close']));
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1.1 403 /);
    expect(text).not.toContain(LIBRARY.root);
  });

  test('one that asks for another server by its whole address is refused', async () => {
    const { server } = await start();
    const { socket, answer } = await dial(server);
    socket.write(
      request(['GET http://rebound.example/api/runs HTTP/1.1', 'Host: rebound.example', 'Connection: close']),
    );
    expect(await answer).toMatch(/^HTTP\/1.1 403 /);
  });
});
