/** Requests over plain connections, answered by a server that is not patient. */
import { Agent, createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { sendOver, type Wire } from '../../src/bucket/wire.ts';

test('a request whose answer came before its body was sent sends no more of it', async () => {
  const came = Promise.withResolvers<IncomingMessage>();
  const gone = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    // It does not read, and goes on to hold the connection open.
    response.writeHead(503, { 'content-length': 0 }).end();
    came.resolve(request);
    request.once('close', gone.resolve).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const agent = new Agent({ keepAlive: true });
  try {
    const { port } = server.address() as AddressInfo;
    const wire: Wire = { secure: false, host: '127.0.0.1', port, agent, connectTimeoutMs: 0, idleTimeoutMs: 0 };
    // More than fits between the two.
    const body = Buffer.alloc(64 * 1024 * 1024, 'a');
    const headers = { host: 'test', 'content-length': String(body.length) };
    const request = { method: 'PUT', path: '/', headers, body, wantsBody: false } as const;
    expect(await sendOver(wire, request, new AbortController().signal)).toMatchObject({ status: 503 });
    body.fill('b');
    let received = 0;
    const bytes = new Set<number>();
    const incoming = await came.promise;
    incoming.on('data', (chunk: Buffer) => {
      received += chunk.length;
      for (const byte of chunk) bytes.add(byte);
    });
    await gone.promise;
    expect(received).toBeLessThan(body.length);
    expect(bytes.has('b'.charCodeAt(0))).toBe(false);
  } finally {
    agent.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}, 60_000);
