/** Which loopback ports the embedded services try, in which order. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

const ATTEMPTS = 20;

/**
 * Free ports of 127.0.0.1, best first: the one of last time, so that addresses stay as they were; then ports that
 * depend on `seed` only, from below the range in which the operating system hands out ports for the moment; then any.
 * Free means free when asked: somebody else may be quicker, so take the next one when binding fails.
 */
export async function* freePorts(lastTime: number | null, seed: string): AsyncGenerator<number, void, undefined> {
  const digest = createHash('sha256').update(seed).digest();
  const own = Array.from({ length: ATTEMPTS / 2 }, (_, i) => 20_000 + (digest.readUInt16BE(i * 2) % 10_000));
  for (const port of lastTime === null ? own : [lastTime, ...own]) {
    if ((await bind(port)) !== null) yield port;
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = await bind(0);
    if (port !== null) yield port;
  }
}

async function bind(port: number): Promise<number | null> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
    return (probe.address() as AddressInfo).port;
  } catch {
    return null;
  } finally {
    probe.close();
  }
}
