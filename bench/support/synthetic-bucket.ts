/** Starts listing-server.ts as a process of its own, so that what it uses is not counted as the benchmark's. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Sides } from './services.ts';
import type { Workplace } from './workplace.ts';

/** A bucket that lists so many photos under the prefix; it ends with the workplace. */
export async function startSyntheticBucket(place: Workplace, photos: number, prefix: string): Promise<Sides['s3']> {
  const script = fileURLToPath(new URL('./listing-server.ts', import.meta.url));
  const child = spawn(process.execPath, [script, String(photos), prefix], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  place.defer(async () => {
    child.stdin.end();
    await exited;
  });
  const lines = createInterface({ input: child.stdout });
  const [port] = (await Promise.race([
    once(lines, 'line'),
    exited.then(() => Promise.reject(new Error('the synthetic bucket did not start'))),
  ])) as [string];
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    accessKeyId: 'anybody',
    secretAccessKey: 'anything',
    bucket: 'synthetic',
  };
}
