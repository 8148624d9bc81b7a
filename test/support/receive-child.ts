/**
 * A process that takes one download in, under whatever limits or user it was started with:
 * `node receive-child.ts '{"root": …, "path": …, "bytes": …, "asNobody": …}'`. Prints how each step went, as JSON.
 */
import { openDisk } from '../../src/disk/disk.ts';
import { asRollcallError } from '../../src/errors.ts';
import type { IncomingFile } from '../../src/sync/ports.ts';

const NOBODY = 65_534;
const { root, path, bytes, asNobody } = JSON.parse(process.argv[2] ?? '{}');
if (asNobody && process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
}
const { signal } = new AbortController();
const disk = openDisk({ id: '1', name: 'l', root, bucket: 'b', prefix: 'photos/', excludes: [], sync: 'both' });
const steps: Record<string, string> = {};
const step = async <T>(name: string, work: () => Promise<T>): Promise<T | null> => {
  try {
    const result = await work();
    steps[name] = 'done';
    return result;
  } catch (thrown) {
    const { code, message } = asRollcallError(thrown);
    steps[name] = `${code}: ${message}`;
    return null;
  }
};
const incoming: IncomingFile | null = await step('receive', () => disk.receive(path, null, signal));
if (incoming !== null) {
  await step('write', () => incoming.write(Buffer.alloc(bytes, 'x')));
  if (steps['write'] === 'done') await step('commit', () => incoming.commit(0n));
  await step('discard', () => incoming.discard());
}
process.stdout.write(JSON.stringify(steps));
