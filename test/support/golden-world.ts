/** Makes the situation of a golden scenario real. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { RowChange } from '../../src/sync/catalog-port.ts';
import type { FileFacts } from '../../src/sync/types.ts';
import { circumstances, type Staged } from './golden-given.ts';
import { cellOf, NOTHING, type Scenario, type SidesLine } from './golden-text.ts';
import { DAMAGE, DATE, DATES, DAY_MS, etagInParts, md5, PREFIX } from './golden-words.ts';
import type { World } from './world.ts';

/** Puts everything where the scenario wants it. */
export async function stage(world: World, scenario: Scenario): Promise<Staged> {
  await world.wipe();
  await world.query('DELETE FROM "ArchivedObject"');
  world.clock.nowMs = Date.now();
  await world.catalog.libraries.update(world.library.id, { excludes: [] });
  for (const line of scenario.before) placeFile(world, line);
  for (const line of scenario.before) await placeObject(world, line);
  for (const line of scenario.before) await placeRow(world, line);
  for (const line of scenario.before) await placeLeftover(world, line);
  return circumstances(world, scenario.given);
}

function placeFile(world: World, { path, disk }: SidesLine): void {
  if (disk === NOTHING) return;
  const { bytes, notes } = cellOf(disk);
  const { seconds } = datedBy(notes);
  world.write(path, bytes ?? '', notes.includes('just now') ? world.clock.nowMs / 1_000 : (seconds ?? DATE));
}

function datedBy(notes: readonly string[]): { readonly seconds: number | null } {
  const [name] = notes.filter((note): note is keyof typeof DATES => note in DATES);
  return { seconds: name === undefined ? null : DATES[name] };
}

async function placeObject(world: World, { path, bucket }: SidesLine): Promise<void> {
  if (bucket === NOTHING) return;
  const { bytes, notes } = cellOf(bucket);
  const { seconds } = datedBy(notes);
  const where = { Bucket: world.bucket, Key: PREFIX + path };
  const Metadata = seconds === null ? {} : { mtime: String(seconds) };
  const { client } = world.s3;
  if (!notes.includes('in parts')) {
    const StorageClass = notes.includes('archived') ? 'GLACIER' : 'STANDARD';
    await client.send(new PutObjectCommand({ ...where, Body: bytes ?? '', Metadata, StorageClass }));
    return;
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...where, Metadata }));
  const { ETag } = await client.send(new UploadPartCommand({ ...where, UploadId, PartNumber: 1, Body: bytes ?? '' }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  await client.send(new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload }));
}

/** `synced "bytes"`: agreed on with these bytes; without bytes: never agreed on. */
async function placeRow(world: World, { path, catalog, disk }: SidesLine): Promise<void> {
  if (catalog === NOTHING || catalog.startsWith('left over')) return;
  const { words, notes } = cellOf(catalog);
  const key = (PREFIX + path).normalize('NFC');
  const { port } = world.catalog;
  await port.apply(world.library, [await changeOf(world, path, catalog, disk)]);
  const days = Number(notes.map((note) => /^(\d+) days ago$/.exec(note)?.[1]).find((found) => found) ?? 1);
  const gone = words === 'orphaned' || words === 'lost';
  const [damage = null] = Object.entries(DAMAGE).flatMap(([code, note]) => (notes.includes(note) ? [code] : []));
  await world.query(
    `UPDATE "Photo" SET "state" = $2::"PhotoState", "orphanedAt" = $3, "deletingAt" = $4, "damage" = $5 WHERE "key" = $1`,
    [
      key,
      words,
      gone ? new Date(world.clock.nowMs - days * DAY_MS) : null,
      notes.includes('to be deleted') ? new Date() : null,
      damage === null ? null : `${damage}: found by a verify`,
    ],
  );
}

async function changeOf(world: World, path: string, catalog: string, disk: string): Promise<RowChange> {
  const { bytes, notes } = cellOf(catalog);
  const inode = notes.find((note) => note.startsWith('inode of '))?.slice('inode of '.length);
  const facts = await factsOf(world, inode ?? path);
  const { seconds } = datedBy(notes);
  const key = (PREFIX + path).normalize('NFC');
  const about = { path, key, contentType: 'image/jpeg', photoKind: 'image' } as const;
  const size = bytes?.length ?? cellOf(disk === NOTHING ? '""' : disk).bytes?.length ?? 0;
  const local = { ...facts, size, mtimeNs: BigInt(seconds ?? DATE) * 1_000_000_000n };
  if (bytes === null) return { kind: 'unsettled', ...about, local, state: 'pending', error: 'it failed' };
  const etag = notes.includes('in parts') ? etagInParts(bytes) : md5(bytes);
  const partSize = notes.includes('in parts') ? 16 * 1024 * 1024 : null;
  const known = notes.includes('no MD5') ? null : md5(bytes);
  const agreed = { local, md5: known, etag, partSize, storageClass: 'STANDARD', verified: true };
  return { kind: 'agreed', ...about, ...agreed };
}

/** Of a file that is not there: an inode that no other has. */
async function factsOf(world: World, path: string): Promise<FileFacts> {
  const there = existsSync(join(world.root, path));
  const facts = there ? await world.sides().disk.stat(path, AbortSignal.timeout(150_000)) : null;
  const random = BigInt(`0x${md5(path).slice(0, 12)}`);
  return facts ?? { size: 0, mtimeNs: 0n, device: 77n, inode: random };
}

/** `left over from 2024/new.jpg "bytes"`: of a rename that was cut off before its old object went. */
async function placeLeftover(world: World, { path, catalog }: SidesLine): Promise<void> {
  const { words, bytes } = catalog === NOTHING ? { words: '', bytes: '' } : cellOf(catalog);
  if (!words.startsWith('left over from ')) return;
  await world.query(
    `INSERT INTO "Leftover" ("libraryId", "photoId", "bucket", "key", "size", "etag")
     SELECT "libraryId", "id", "bucket", $1, $2, $3 FROM "Photo" WHERE "path" = $4`,
    [PREFIX + path, bytes?.length ?? 0, md5(bytes ?? ''), words.slice('left over from '.length)],
  );
}
