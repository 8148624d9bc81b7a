/**
 * Which photos were renamed (DESIGN 5): pairs of a row whose file is not at its path any more and a file without a row
 * of its own. Pure; reading what has to be read is find-moves.ts's business.
 */
import { posix } from 'node:path';
import type { Action } from './actions.ts';
import type { Classified } from './classify.ts';
import type { BucketObject, CatalogRow, FileFacts, LocalFile, Triple } from './types.ts';

/** A photo as the survey found it, and what would be done if nothing had been renamed. */
export interface Found {
  readonly triple: Triple;
  readonly classified: Classified;
  readonly action: Action | null;
}

/** A photo that is in the bucket as recorded, and on disk not at its path any more. */
export interface Departure {
  readonly found: Found;
  readonly row: CatalogRow;
  readonly object: BucketObject;
  /** The object is gone too: what `object` says is what the row remembers of it. */
  readonly lost?: true;
  /** At its path is another version of a file, or none: a file of the same size and date there may be this very photo. */
  readonly gone: boolean;
}

/** A file that no row describes: its path has no row, or one that departs. */
export interface Arrival {
  readonly found: Found;
  readonly local: LocalFile;
  /** The row of its path, if that is in agreement with an object: it has to depart before anything can arrive. */
  readonly occupant?: CatalogRow;
  /** What the bucket has under its key. */
  readonly object?: BucketObject;
}

/** `edited`: the bytes have changed too, or their object is gone: they are uploaded. */
export interface Pair {
  readonly departure: Departure;
  readonly arrival: Arrival;
  readonly edited: boolean;
}

/** How a move is carried out: straight to its new key, or in two steps by way of a temporary one. */
export type MoveStep<Move> = { readonly move: Move; readonly step: 'whole' | 'aside' | 'finish' };

/** Are these the same inode, as far as can be told? */
export function sameInode(
  a: { readonly device: bigint | null; readonly inode: bigint | null; readonly birthNs?: bigint | null },
  b: FileFacts,
): boolean {
  if (a.inode !== b.inode || a.device !== b.device) return false;
  return a.birthNs == null || b.birthNs === undefined || a.birthNs === b.birthNs;
}

/** The pairs that share an inode. One that several of either could mean (hard links) is no pair. */
export function pairByInode(departures: readonly Departure[], arrivals: readonly Arrival[], edits: boolean): Pair[] {
  const leaving = groupBy(departures, ({ row }) => `${row.device}:${row.inode}`);
  const coming = groupBy(arrivals, ({ local }) => `${local.device}:${local.inode}`);
  const pairs: Pair[] = [];
  for (const [inode, [arrival, ...others]] of coming) {
    const [departure, ...doubtful] = leaving.get(inode) ?? [];
    if (!arrival || !departure || others.length > 0 || doubtful.length > 0) continue;
    // Another name of the same file may be anywhere: only the contents can tell what became of it.
    if ((arrival.local.links ?? 1) > 1 || !sameInode(departure.row, arrival.local)) continue;
    const changed = !sameVersion(departure.row, arrival.local);
    // Numbers of removed files are given to new ones: without its birth, a changed file may be just another photo.
    const proved = departure.row.birthNs !== null && arrival.local.birthNs !== undefined;
    if (changed && !(edits && proved)) continue;
    pairs.push({ departure, arrival, edited: changed || departure.lost === true });
  }
  return pairs;
}

/** Files that share an inode with another one of these: hard links, which are never taken for a rename. */
export function hardLinked(arrivals: readonly Arrival[]): ReadonlySet<Arrival> {
  const groups = groupBy(arrivals, ({ local }) => `${local.device}:${local.inode}`);
  return new Set([...groups.values()].filter((group) => group.length > 1).flat());
}

/** A photo that may have come from elsewhere by its content: its file is not where it was. */
export function mayBeElsewhere({ row, gone }: Departure): boolean {
  return gone && row.md5 !== null;
}

/** The pairs that share size and MD5; among several, those of one name first. `md5s`: of the files that were read. */
export function pairByContent(
  departures: readonly Departure[],
  arrivals: readonly Arrival[],
  md5s: ReadonlyMap<Arrival, string>,
): Pair[] {
  const leaving = groupBy(departures, ({ row }) => `${row.size}:${row.md5}`);
  const coming = groupBy(
    arrivals.filter((arrival) => md5s.has(arrival)),
    (arrival) => `${arrival.local.size}:${md5s.get(arrival)}`,
  );
  const pairs: Pair[] = [];
  for (const [content, candidates] of coming) {
    const free = [...(leaving.get(content) ?? [])];
    const waiting: Arrival[] = [];
    const take = (arrival: Arrival, at: number) => {
      const [departure] = free.splice(at, 1);
      if (departure) pairs.push({ departure, arrival, edited: departure.lost === true });
    };
    for (const arrival of candidates) {
      const at = free.findIndex(({ row }) => nameOf(row.key) === nameOf(arrival.local.key));
      if (at >= 0) take(arrival, at);
      else waiting.push(arrival);
    }
    for (const arrival of waiting) take(arrival, 0);
  }
  return pairs;
}

/**
 * The pairs whose new key is free when their turn comes: nothing there, the very content, or the object of a photo
 * that moves away itself. `stays`: why a pair cannot go for a reason of its own.
 */
export function possiblePairs(pairs: readonly Pair[], stays: (pair: Pair) => boolean): Pair[] {
  const byFrom = new Map(pairs.map((pair) => [pair.departure.row.key, pair]));
  const byTo = new Map(pairs.map((pair) => [pair.arrival.local.key, pair]));
  const possible = new Set(pairs);
  const drop = (pair: Pair) => {
    // Whoever wanted to come where this one stays cannot either, and so on along the chain.
    for (let next: Pair | undefined = pair; next && possible.delete(next); next = byTo.get(next.departure.row.key));
  };
  for (const pair of pairs) {
    if (stays(pair) || (!byFrom.has(pair.arrival.local.key) && !isFree(pair))) drop(pair);
  }
  return [...possible];
}

function isFree({ departure, arrival, edited }: Pair): boolean {
  if (arrival.occupant !== undefined) return false;
  if (arrival.object === undefined) return true;
  return edited ? arrival.object.size === arrival.local.size : mayBeSame(departure, arrival.object);
}

/** Could this object have the photo's content? False only when its size or its ETag says otherwise. */
export function mayBeSame({ row, object }: Departure, there: BucketObject): boolean {
  if (there.size !== object.size) return false;
  if (there.etag === object.etag || there.etag === row.md5) return true;
  return !(isMd5(there.etag) && isMd5(object.etag));
}

function isMd5(etag: string): boolean {
  return /^[0-9a-f]{32}$/i.test(etag);
}

interface Place {
  readonly key: string;
  readonly path: string;
}

/**
 * The temporary place of a photo that makes room in a circle: beside its new one, or in the nearest folder above whose
 * key leaves room for the name. Never synced, and always the same for one photo.
 */
export function asidePlace(to: Place, rowId: string): Place {
  const name = `.rollcall-move-${rowId}.tmp`;
  let [key, path] = [parentOf(to.key), parentOf(to.path)];
  while (path !== '' && Buffer.byteLength(key + name) > KEY_BYTES) {
    [key, path] = [parentOf(key.slice(0, -1)), parentOf(path.slice(0, -1))];
  }
  return { key: key + name, path: path + name };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** Is this the temporary key of a move that was cut off? */
export function isAsideKey(key: string): boolean {
  return /(?:^|\/)\.rollcall-move-[0-9a-f-]{36}\.tmp$/.test(key);
}

/** S3's limit for a key. */
const KEY_BYTES = 1_024;

interface Movement {
  readonly key: string;
  readonly from: { readonly key: string };
  readonly via?: string;
}

/**
 * Moves in an order in which every new key is free when its turn comes: those of one level do not depend on each
 * other. Of each circle the one with a `via` steps aside first; `aside` gives one such a key where none has it.
 */
export function orderMoves<Move extends Movement>(
  moves: readonly Move[],
  aside: (move: Move) => Move,
): MoveStep<Move>[][] {
  const byFrom = new Map(moves.map((move) => [move.from.key, move]));
  const byTo = new Map(moves.map((move) => [move.key, move]));
  const levels: MoveStep<Move>[][] = [];
  const placed = new Set<Move>();
  const place = (level: number, step: MoveStep<Move>) => {
    levels[level] ??= [];
    levels[level].push(step);
  };
  /** From a move whose new key is free at this level, back along those that wait for each other. */
  const unwind = (first: Move | undefined, level: number): number => {
    let at = level;
    for (let move = first; move && !placed.has(move); move = byTo.get(move.from.key)) {
      placed.add(move);
      place(at, { move, step: 'whole' });
      at += 1;
    }
    return at;
  };
  for (const move of moves) if (!byFrom.has(move.key)) unwind(move, 0);
  for (const move of moves) {
    if (placed.has(move)) continue;
    const circle = circleOf(move, byTo);
    const chosen = circle.find(({ via }) => via !== undefined) ?? aside(move);
    const original = circle.find(({ key }) => key === chosen.key) ?? move;
    placed.add(original);
    place(0, { move: chosen, step: 'aside' });
    place(unwind(byTo.get(original.from.key), 1), { move: chosen, step: 'finish' });
  }
  return levels;
}

function circleOf<Move extends Movement>(first: Move, byTo: ReadonlyMap<string, Move>): Move[] {
  const circle = [first];
  for (let next = byTo.get(first.from.key); next && next !== first; next = byTo.get(next.from.key)) circle.push(next);
  return circle;
}

function sameVersion(row: CatalogRow, local: LocalFile): boolean {
  return row.size === local.size && row.mtimeNs === local.mtimeNs;
}

function nameOf(key: string): string {
  return posix.basename(key);
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
