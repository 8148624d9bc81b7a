/** A real file as the OpenFile that the bucket's side is given. */
import { open, stat } from 'node:fs/promises';
import { RollcallError } from '../../src/errors.ts';
import type { OpenFile } from '../../src/sync/ports.ts';
import type { FileFacts } from '../../src/sync/types.ts';

/** Opens the version of the file that is there now. */
export async function openTestFile(path: string): Promise<OpenFile> {
  const handle = await open(path);
  const facts = await factsOf(path);
  return {
    facts,
    async read(offset, length, signal) {
      signal.throwIfAborted();
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await handle.read(buffer, 0, length, offset);
      if (bytesRead !== length) throw unstable(path);
      return buffer;
    },
    async verifyUnchanged() {
      const now = await factsOf(path);
      const same = now.size === facts.size && now.mtimeNs === facts.mtimeNs && now.inode === facts.inode;
      if (!same) throw unstable(path);
    },
    close: () => handle.close(),
  };
}

async function factsOf(path: string): Promise<FileFacts> {
  const { size, mtimeNs, dev, ino } = await stat(path, { bigint: true });
  return { size: Number(size), mtimeNs, device: dev, inode: ino };
}

function unstable(path: string): RollcallError {
  return new RollcallError('FILE_UNSTABLE', `${path} changed while it was read`);
}
