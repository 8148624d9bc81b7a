/** The three sides of a world as plain records, and renames on its disk. */
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { Report } from '../../src/sync/types.ts';

/** The files below a folder by their paths, as Latin-1 so that every byte counts. */
export function treeOf(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile())
    .sort();
  return Object.fromEntries(files.map((path) => [relative(root, path), readFileSync(path, 'latin1')]));
}

/** The objects under a prefix by what follows it; at most a thousand. */
export async function objectsOf(client: S3Client, bucket: string, prefix: string): Promise<Record<string, string>> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
  const read = async (key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString('latin1')) ?? '';
  };
  const keys = Contents.map(({ Key = '' }) => Key).sort();
  return Object.fromEntries(
    await Promise.all(keys.map(async (key) => [key.slice(prefix.length), await read(key)] as const)),
  );
}

/** A file or folder gets another name, as `mv` gives it: what has that name already is replaced. */
export function move(root: string, from: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true });
  renameSync(join(root, from), join(root, to));
}

/** Each of these takes the place of the next, the last one that of the first. */
export function rotate(root: string, ...paths: readonly string[]): void {
  const last = paths.at(-1) ?? '';
  move(root, last, `${last}.turning`);
  for (const [i, path] of [...paths.slice(0, -1).entries()].reverse()) move(root, path, paths[i + 1] ?? '');
  move(root, `${last}.turning`, paths[0] ?? '');
}

/** What a run sent to the bucket to change it. */
export function writesOf({ requests: { put, copy, delete: deletes } }: Pick<Report, 'requests'>): number {
  return put + copy + deletes;
}
