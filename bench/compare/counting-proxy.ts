/** Between a contestant and the endpoint: counts requests by what they are billed as, and lets them through as they are. */
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Counts = Record<'list' | 'head' | 'get' | 'put' | 'copy' | 'delete' | 'post', number>;

export interface CountingProxy {
  readonly endpoint: string;
  /** Those since it was asked last. */
  take(): Counts;
  close(): Promise<void>;
}

export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(target);
  let counts = none();
  const server = createServer((incoming, outgoing) => {
    counts[kindOf(incoming)] += 1;
    const { method, url: path, headers } = incoming;
    const passed = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = counts;
      counts = none();
      return taken;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function none(): Counts {
  return { list: 0, head: 0, get: 0, put: 0, copy: 0, delete: 0, post: 0 };
}

function kindOf({ method, url, headers }: IncomingMessage): keyof Counts {
  const { searchParams } = new URL(url ?? '/', 'http://proxy');
  if (method === 'GET') return searchParams.has('prefix') || searchParams.has('list-type') ? 'list' : 'get';
  if (method === 'PUT') return headers['x-amz-copy-source'] === undefined ? 'put' : 'copy';
  if (method === 'DELETE') return 'delete';
  if (method === 'POST') return searchParams.has('delete') ? 'delete' : 'post';
  return 'head';
}
