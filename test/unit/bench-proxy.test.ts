import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CountingProxy, startCountingProxy } from '../../bench/compare/counting-proxy.ts';

const seen: { method: string | undefined; url: string | undefined; host: string | undefined; body: string }[] = [];
const target = createServer(async (request: IncomingMessage, response) => {
  const { method, url, headers } = request;
  seen.push({ method, url, host: headers.host, body: await text(request) });
  response.writeHead(url?.includes('gone') ? 404 : 200, { etag: '"x"' }).end(method === 'HEAD' ? '' : 'answer');
});
let proxy: CountingProxy;

beforeAll(async () => {
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  proxy = await startCountingProxy(`http://127.0.0.1:${(target.address() as AddressInfo).port}`);
});
afterAll(async () => {
  await proxy.close();
  target.close();
});

const ask = async (method: string, path: string, init: RequestInit = {}) =>
  (await fetch(`${proxy.endpoint}${path}`, { method, ...init })).text();

test.each([
  ['list', 'GET', '/bucket?list-type=2&prefix=a%2F', {}],
  ['list', 'GET', '/bucket/?prefix=&delimiter=%2F', {}],
  ['get', 'GET', '/bucket/a.jpg', {}],
  ['head', 'HEAD', '/bucket/a.jpg', {}],
  ['put', 'PUT', '/bucket/a.jpg', { body: 'bytes' }],
  ['put', 'PUT', '/bucket/a.jpg?partNumber=1&uploadId=u', { body: 'bytes' }],
  ['copy', 'PUT', '/bucket/b.jpg', { headers: { 'x-amz-copy-source': '/bucket/a.jpg' } }],
  ['delete', 'DELETE', '/bucket/a.jpg', {}],
  ['delete', 'POST', '/bucket?delete', { body: '<Delete/>' }],
  ['post', 'POST', '/bucket/a.jpg?uploads', {}],
] as const)('counts as %s: %s %s', async (kind, method, path, init) => {
  proxy.take();
  await ask(method, path, init);
  const { [kind]: one, ...others } = proxy.take();
  expect(one).toBe(1);
  expect(Object.values(others).every((count) => count === 0)).toBe(true);
});

test('lets requests and answers through as they are, and counts from zero when it was asked', async () => {
  seen.length = 0;
  proxy.take();
  const answer = await fetch(`${proxy.endpoint}/bucket/gone%20%2B.jpg?x=1`, { method: 'PUT', body: 'some bytes' });
  expect(answer).toMatchObject({ status: 404 });
  expect(answer.headers.get('etag')).toBe('"x"');
  expect(await answer.text()).toBe('answer');
  // The host that was signed.
  const { host } = new URL(proxy.endpoint);
  expect(seen).toEqual([{ method: 'PUT', url: '/bucket/gone%20%2B.jpg?x=1', host, body: 'some bytes' }]);
  expect(proxy.take()).toMatchObject({ put: 1 });
  expect(proxy.take()).toMatchObject({ put: 0 });
});
