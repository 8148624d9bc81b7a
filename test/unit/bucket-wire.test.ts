/** Requests over plain connections, answered by a server that is not patient. */
import { Agent } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { sendOver, type Wire } from '../../src/bucket/wire.ts';

test('a request whose answer came before its body was sent sends no more of it', async () => {
  const came = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    socket.once('data', () => {
      // It reads no further, and holds the connection open.
      socket.pause();
      socket.write('HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\n\r\n');
      came.resolve(socket);
    });
    socket.on('error', () => {});
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
    const socket = await came.promise;
    let received = 0;
    let later = false;
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        received += chunk.length;
        later ||= chunk.includes('b');
        if (received > body.length / 2) resolve();
      });
      socket.once('close', () => resolve());
      socket.resume();
    });
    expect(later).toBe(false);
    expect(received).toBeLessThan(body.length / 2);
  } finally {
    agent.destroy();
    (await came.promise).destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});
