/** What disk, catalog and bucket of a world hold, looked at from outside of the engine, and what must be true of that. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { GetObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { decodeKey } from './s3.ts';
import type { World } from './world.ts';

export interface SeenFile {
  /** As Latin-1, so that every byte counts. */
  readonly content: string;
  readonly size: number;
  readonly mtimeNs: bigint;
}

export interface SeenObject {
  readonly content: string;
  readonly etag: string;
  /** Of the metadata `mtime`, else of LastModified. */
  readonly mtimeNs: bigint;
}

export interface SeenRow {
  readonly id: string;
  readonly path: string;
  readonly key: string;
  readonly state: string;
  readonly etag: string | null;
  readonly md5: string | null;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly inode: bigint | null;
  readonly deleting: boolean;
}

export interface SeenSides {
  /** By path. */
  readonly disk: ReadonlyMap<string, SeenFile>;
  /** Paths of temporary files of downloads. */
  readonly temporary: readonly string[];
  /** By path: the key without the library's prefix. */
  readonly bucket: ReadonlyMap<string, SeenObject>;
  /** By path. */
  readonly rows: ReadonlyMap<string, SeenRow>;
  /** Ids of the photos whose old objects are at these paths. */
  readonly leftovers: ReadonlyMap<string, string>;
  /** Keys of variants in the bucket, and of those that rows name, or are known to be left of photos that are gone. */
  readonly variants: { readonly objects: readonly string[]; readonly named: readonly string[] };
  /** Uploads in parts that were begun, with when. */
  readonly uploads: readonly { readonly key: string; readonly begunMs: number }[];
}

const TEMPORARY = /(?:^|\/)\.~rollcall-[0-9a-f]{16}\.part$/;
/** Of circles of renames, and of what a bucket was tried with: names that are no photos'. */
const OWN_KEY = /(?:^|\/)\.rollcall-/;

export async function seenSides(world: World): Promise<SeenSides> {
  const [bucket, rows, leftovers, variants, uploads] = await Promise.all([
    seenBucket(world),
    seenRows(world),
    seenLeftovers(world),
    seenVariants(world),
    seenUploads(world),
  ]);
  const { disk, temporary } = seenDisk(world.root);
  return { disk, temporary, bucket, rows, leftovers, variants, uploads };
}

function seenDisk(root: string) {
  const disk = new Map<string, SeenFile>();
  const temporary: string[] = [];
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const stats = lstatSync(join(root, name), { bigint: true });
    if (!stats.isFile()) continue;
    const path = relative(root, join(root, name));
    const content = readFileSync(join(root, name), 'latin1');
    if (TEMPORARY.test(path)) temporary.push(path);
    else disk.set(path, { content, size: content.length, mtimeNs: stats.mtimeNs });
  }
  return { disk, temporary };
}

async function keysBelow({ s3, bucket }: World, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const list = { Bucket: bucket, Prefix: prefix, EncodingType: 'url' as const, ContinuationToken: token };
    const page = await s3.client.send(new ListObjectsV2Command(list));
    keys.push(...(page.Contents ?? []).map(({ Key = '' }) => decodeKey(Key)));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return keys;
}

async function seenBucket(world: World): Promise<Map<string, SeenObject>> {
  const { prefix } = world.library;
  const keys = await keysBelow(world, prefix);
  const look = async (key: string): Promise<readonly [string, SeenObject]> => {
    const answer = await world.s3.client.send(new GetObjectCommand({ Bucket: world.bucket, Key: key }));
    const content = Buffer.from((await answer.Body?.transformToByteArray()) ?? []).toString('latin1');
    const told = answer.Metadata?.['mtime'];
    const mtimeNs = told === undefined ? nsOf(answer.LastModified) : secondsToNs(told);
    return [key.slice(prefix.length), { content, etag: (answer.ETag ?? '').replaceAll('"', ''), mtimeNs }];
  };
  return new Map(await pMap(keys, look, { concurrency: 16 }));
}

function nsOf(date: Date | undefined): bigint {
  return BigInt(date?.getTime() ?? 0) * 1_000_000n;
}

function secondsToNs(seconds: string): bigint {
  const [whole = '0', fraction = ''] = seconds.split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

async function seenRows(world: World): Promise<Map<string, SeenRow>> {
  const rows = await world.query<Record<string, string | Date | null>>('SELECT * FROM "Photo"');
  return new Map(
    rows.map((row) => {
      const { id, path, key, state, etag, md5 } = row as unknown as SeenRow;
      const size = Number(row['size']);
      const mtimeNs = BigInt(String(row['mtimeNs']));
      const inode = row['inode'] === null ? null : BigInt(String(row['inode']));
      return [path, { id, path, key, state, etag, md5, size, mtimeNs, inode, deleting: row['deletingAt'] !== null }];
    }),
  );
}

async function seenLeftovers({ query, library: { prefix } }: World): Promise<Map<string, string>> {
  const left = await query<{ key: string; photoId: string }>('SELECT "key", "photoId" FROM "Leftover"');
  return new Map(left.map(({ key, photoId }) => [key.slice(prefix.length), photoId]));
}

/** Of the libraries that this catalog knows: other folders may be those of another catalog that shares the bucket. */
async function seenVariants(world: World) {
  const named = await world.query<{ key: string }>(
    'SELECT "key" FROM "Variant" UNION SELECT "key" FROM "VariantRemains"',
  );
  const libraries = await world.query<{ id: string }>('SELECT "id" FROM "Library"');
  const objects = await Promise.all(libraries.map(({ id }) => keysBelow(world, `variants/${id}/`)));
  return { objects: objects.flat(), named: named.map(({ key }) => key) };
}

async function seenUploads({ s3, bucket }: World) {
  const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return Uploads.map(({ Key = '', Initiated }) => ({ key: Key, begunMs: Initiated?.getTime() ?? 0 }));
}

export function md5Of(content: string): string {
  return createHash('md5').update(content, 'latin1').digest('hex');
}

/**
 * Rows that say more than is true. `synced` says that disk and bucket held the bytes on record when the row was written:
 * nobody but the engine has changed anything between these two looks, so a row that was written in between must be true
 * of what is there now. With `whole`, a run that saw everything has ended well: then every row must be. Without `etags`,
 * the server was told to lie about them: the bytes alone count.
 */
export function falseRows(before: SeenSides, after: SeenSides, { whole = false, etags = true } = {}): string[] {
  const known = new Map([...before.rows.values()].map((row) => [row.id, row]));
  return [...after.rows.values()].flatMap((row) => {
    if (row.state !== 'synced') return [];
    if (!whole && saysTheSame(known.get(row.id), row)) return [];
    const [file, object] = [after.disk.get(row.path), after.bucket.get(row.path)];
    const wrong =
      file === undefined
        ? 'there is no file'
        : object === undefined
          ? 'there is no object'
          : file.content !== object.content
            ? 'file and object differ'
            : etags && object.etag !== row.etag
              ? `the ETag on record is ${row.etag}`
              : row.md5 !== null && row.md5 !== md5Of(file.content)
                ? 'the MD5 on record is another'
                : row.size !== file.size || row.mtimeNs !== file.mtimeNs
                  ? 'size or date on record are others'
                  : null;
    return wrong === null ? [] : [`${row.path} is synced by its row, but ${wrong}`];
  });
}

function saysTheSame(a: SeenRow | undefined, b: SeenRow): boolean {
  if (a === undefined) return false;
  const said = ({ path, key, state, etag, md5, size, mtimeNs }: SeenRow) => [
    path,
    key,
    state,
    etag,
    md5,
    size,
    mtimeNs,
  ];
  return said(a).every((value, i) => value === said(b)[i]);
}

/** What no moment may show, whoever was cut off where. `contents`: all that anybody ever made. */
export function impossible(after: SeenSides, contents: ReadonlySet<string>): string[] {
  const partial = [...after.disk].filter(([, { content }]) => !contents.has(content)).map(([path]) => `file ${path}`);
  const broken = [...after.bucket]
    .filter(([path, { content }]) => !contents.has(content) && !OWN_KEY.test(path))
    .map(([path]) => `object ${path}`);
  const dayAgo = Date.now() - 86_400_000;
  const stray = after.uploads.filter(({ begunMs }) => begunMs < dayAgo).map(({ key }) => `upload of ${key}`);
  return [...partial, ...broken, ...stray];
}

/** Photos that disk and bucket do not hold alike; of those that only one side has, the one. */
export function disagreements({ disk, bucket }: SeenSides): string[] {
  const paths = [...new Set([...disk.keys(), ...bucket.keys()])].sort();
  return paths.filter((path) => disk.get(path)?.content !== bucket.get(path)?.content);
}

/** Variants of no photo. One that was written by a process that died before it could be recorded is one for an hour. */
export function strayVariants({ variants: { objects, named } }: SeenSides): string[] {
  const known = new Set(named);
  return objects.filter((key) => !known.has(key));
}
