/** Photo rows as the driver hands them over, and as the engine wants them. */
import { damagedSide } from '../sync/damage.ts';
import type { CatalogRow, PhotoState } from '../sync/types.ts';

/** In the order of RawRow. */
export const COLUMNS = `"id", "albumId", "key", "path", "size", "mtimeNs", "device", "inode", "birthNs", "md5", "etag",
  "partSize", "state", (extract(epoch FROM "orphanedAt") * 1000)::bigint, "deletingAt" IS NOT NULL, "damage"`;

export interface Statement {
  readonly name: string;
  readonly text: string;
}

export type RawRow = [
  id: string,
  albumId: string,
  key: string,
  path: string,
  size: string,
  mtimeNs: string,
  device: string | null,
  inode: string | null,
  birthNs: string | null,
  md5: string | null,
  etag: string | null,
  partSize: string | null,
  state: PhotoState,
  orphanedAtMs: string | null,
  deleting: 't' | 'f',
  damage: string | null,
];

/** Arrays of the very text that the server sent: the driver's own parsing would make dates and objects first. */
export function rawQuery(statement: Statement, values: readonly unknown[]) {
  return { ...statement, values: [...values], rowMode: 'array' as const, types: { getTypeParser: () => asText } };
}

function asText(value: string): string {
  return value;
}

export function toRow(raw: RawRow): CatalogRow {
  const damaged = damagedSide(raw[15]);
  return {
    id: raw[0],
    albumId: raw[1],
    key: raw[2],
    path: raw[3],
    size: Number(raw[4]),
    mtimeNs: BigInt(raw[5]),
    device: raw[6] === null ? null : BigInt(raw[6]),
    inode: raw[7] === null ? null : BigInt(raw[7]),
    birthNs: raw[8] === null ? null : BigInt(raw[8]),
    md5: raw[9],
    etag: raw[10],
    partSize: raw[11] === null ? null : Number(raw[11]),
    state: raw[12],
    orphanedAtMs: raw[13] === null ? null : Number(raw[13]),
    deleting: raw[14] === 't',
    ...(damaged !== null && { damaged }),
  };
}
