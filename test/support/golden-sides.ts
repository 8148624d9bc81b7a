/** What became of a golden scenario, in its own words. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { cellOf, NOTHING, type Scenario, sidesTable } from './golden-text.ts';
import { DAMAGE, DATES, etagInParts, HOUR_MS, md5, PREFIX } from './golden-words.ts';
import { decodeKey } from './s3.ts';
import type { World } from './world.ts';

/** What each side holds now, photo by photo. */
export async function sidesNow(world: World, scenario: Scenario): Promise<string> {
  const known = new Map<string, string>();
  for (const { disk, catalog, bucket } of scenario.before) {
    for (const cell of [disk, catalog, bucket]) {
      const { bytes } = cell === NOTHING ? { bytes: null } : cellOf(cell);
      if (bytes !== null) for (const etag of [md5(bytes), etagInParts(bytes)]) known.set(etag, bytes);
    }
  }
  known.set(md5('theirs'), 'theirs');
  const [files, rows, objects] = [filesNow(world), await rowsNow(world, known), await objectsNow(world, known)];
  // As the disk spells them; rows and objects have one spelling.
  const paths = [...new Set([...files.keys(), ...rows.keys(), ...objects.keys()])].sort();
  const lines = paths.map((path) => ({
    path,
    disk: files.get(path) ?? NOTHING,
    catalog: rows.get(path) ?? NOTHING,
    bucket: objects.get(path) ?? NOTHING,
  }));
  return sidesTable(lines);
}

function filesNow({ root, clock }: World): Map<string, string> {
  const files = new Map<string, string>();
  if (!existsSync(root) || !lstatSync(root).isDirectory()) return files;
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const stats = lstatSync(join(root, name));
    if (stats.isSymbolicLink()) files.set(name, 'a link');
    if (!stats.isFile()) continue;
    const dated = Math.round(stats.mtimeMs / 1_000);
    const note = Object.entries(DATES).find(([, seconds]) => seconds === dated)?.[0];
    const isNow = Math.abs(stats.mtimeMs - clock.nowMs) < HOUR_MS ? 'just now' : undefined;
    files.set(name, noted(`"${readFileSync(join(root, name), 'utf8')}"`, note ?? isNow));
  }
  return files;
}

interface RowNow {
  readonly path: string;
  readonly state: string;
  readonly etag: string | null;
  readonly damage: string | null;
  readonly deleting: boolean;
}

async function rowsNow(world: World, known: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const rows = await world.query<RowNow>(
    `SELECT "path", "state", "etag", "damage", "deletingAt" IS NOT NULL AS deleting FROM "Photo"`,
  );
  const cells = rows.map(({ path, state, etag, damage, deleting }): [string, string] => {
    const bytes = etag === null ? '' : ` ${bytesOf(etag, known)}`;
    const side = Object.entries(DAMAGE).find(([code]) => damage?.startsWith(code))?.[1];
    return [path, noted(`${state}${bytes}`, side, deleting ? 'to be deleted' : undefined)];
  });
  const leftovers = await world.query<{ key: string; path: string; etag: string }>(
    'SELECT l."key", p."path", l."etag" FROM "Leftover" AS l JOIN "Photo" AS p ON p."id" = l."photoId"',
  );
  for (const { key, path, etag } of leftovers) {
    cells.push([key.slice(PREFIX.length), `left over from ${path} ${bytesOf(etag, known)}`]);
  }
  return new Map(cells);
}

async function objectsNow(world: World, known: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const list = new ListObjectsV2Command({ Bucket: world.bucket, EncodingType: 'url' });
  const { Contents = [] } = await world.s3.client.send(list);
  const cells = Contents.map(({ Key = '', ETag = '', StorageClass }): [string, string] => {
    const etag = ETag.replaceAll('"', '');
    const notes = [StorageClass === 'GLACIER' ? 'archived' : undefined, etag.endsWith('-1') ? 'in parts' : undefined];
    return [decodeKey(Key).slice(PREFIX.length), noted(bytesOf(etag, known), ...notes)];
  });
  return new Map(cells);
}

const bytesOf = (etag: string, known: ReadonlyMap<string, string>): string =>
  known.has(etag) ? `"${known.get(etag)}"` : '(unknown bytes)';

const noted = (cell: string, ...notes: (string | undefined)[]): string =>
  [cell, ...notes.filter((note) => note !== undefined)].join(', ');
