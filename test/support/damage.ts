/** Bytes that rot: on disk under an unchanged date, and in what the embedded S3 has stored. */
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestBucket } from './s3.ts';

/** Turns one bit of a file, in place, and puts its date back to the very nanosecond that a Date can hold. */
export function rotOnDisk(path: string): void {
  const { atime, mtime } = statSync(path);
  flipIn(path);
  utimesSync(path, atime, mtime);
}

/** Turns one bit of a stored object, below the server: its ETag and size stay. Fails unless there is just one such body. */
export function rotInBucket({ dir }: Pick<TestBucket, 'dir'>, content: string | Buffer): void {
  if (dir === undefined) throw new Error('only what the embedded server stores can be reached');
  const bodies = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).equals(Buffer.from(content)));
  const [only] = bodies;
  if (only === undefined || bodies.length > 1) throw new Error(`${bodies.length} stored bodies hold these bytes`);
  flipIn(only);
}

function flipIn(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
}
