/** Finds the renames in a survey: gathers who left and who came, reads what has to be read, and pairs them (DESIGN 5). */
import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { asRollcallError } from '../errors.ts';
import type { Action } from './actions.ts';
import { AlbumTracker } from './album-moves.ts';
import type { AlbumMove } from './catalog-port.ts';
import { isArchived } from './classify.ts';
import type { Sides } from './inventory.ts';
import {
  type Arrival,
  type Departure,
  type Found,
  hardLinked,
  mayBeElsewhere,
  type Pair,
  pairByContent,
  pairByInode,
  possiblePairs,
  sameInode,
} from './moves.ts';
import type { BucketObject, CatalogRow, FileFacts, Library, Policy, SyncSettings } from './types.ts';

export interface FinderParts {
  readonly sides: Sides;
  readonly library: Library;
  readonly policy: Policy;
  readonly settings: SyncSettings;
  readonly signal: AbortSignal;
}

/** What a survey's renames come to. */
export interface FoundMoves {
  /** To be carried out, in no order. */
  readonly pairs: readonly Pair[];
  /** Renames that have to wait: for a restore, or for another one that does. */
  readonly waiting: readonly Pair[];
  /** Renamed and changed a moment ago, or to where such a one still is: left alone until that holds still. */
  readonly unstable: readonly Pair[];
  /** Gone, and maybe renamed: there are files of their sizes that are too young to be read. */
  readonly unsure: readonly Departure[];
  /** Their new key holds somebody else's object: a conflict, and their own object is the only copy of them. */
  readonly stuck: readonly Pair[];
  /** Files that came over a photo that is still there: no renames, but its bytes are not those on record. */
  readonly over: readonly Arrival[];
  /** Albums that went elsewhere with all their photos. */
  readonly albums: readonly AlbumMove[];
  /** MD5s of the files that were read, by key. */
  readonly md5s: ReadonlyMap<string, string>;
}

export const NO_MOVES: FoundMoves = {
  pairs: [],
  waiting: [],
  unstable: [],
  unsure: [],
  stuck: [],
  over: [],
  albums: [],
  md5s: new Map(),
};

const READ_AT_ONCE = 1024 * 1024;

/** To be told of every photo of a survey, and asked once at its end. */
export class MoveFinder {
  readonly #parts: FinderParts;
  readonly #departures: Departure[] = [];
  readonly #arrivals: Arrival[] = [];
  readonly #albums: AlbumTracker;

  constructor(parts: FinderParts) {
    this.#parts = parts;
    this.#albums = new AlbumTracker(parts.library);
  }

  note(found: Found, vouches: { readonly disk: boolean }): void {
    const { local, row, object } = found.triple;
    if (row) this.#albums.note(row, local !== undefined);
    const agreed = row !== undefined && row.etag !== null;
    const here = local !== undefined && agreed && sameInode(row, local);
    if (here || found.classified.finding === 'leave') return;
    if (this.#parts.policy.moves !== false && agreed && !row.deleting) {
      const gone = local === undefined ? vouches.disk : found.classified.changed;
      if (object?.etag === row.etag && object.size === row.size) {
        if (local !== undefined || gone) this.#departures.push({ found, row, object, gone });
      } else if (found.classified.finding === 'lost' && this.#parts.policy.moves !== 'only') {
        this.#departures.push({ found, row, object: remembered(row), gone, lost: true });
      }
    }
    if (local === undefined || local.twins !== undefined) return;
    this.#arrivals.push({ found, local, ...(agreed && { occupant: row }), ...(object && { object }) });
  }

  async finish(): Promise<FoundMoves> {
    const { policy } = this.#parts;
    // An edit has to be uploaded, which is not asked for when only renames are.
    const edits = policy.overwrite !== 'never' && policy.moves !== 'only';
    const sure = this.#departures.length === 0 ? [] : pairByInode(this.#departures, this.#arrivals, edits);
    const md5s = await this.#read(sure);
    const { departures, arrivals } = this.#without(sure);
    const linked = hardLinked(this.#departures.length === 0 ? [] : this.#arrivals);
    const named = arrivals.filter((arrival) => !linked.has(arrival));
    const alike = pairByContent(departures.filter(mayBeElsewhere), named, md5s);
    const pairs = possiblePairs([...sure, ...alike], () => false);
    const free = new Set(pairs);
    const stuck = stuckPairs([...sure, ...alike].filter((pair) => !free.has(pair)));
    const blocked = sure.filter((pair) => !free.has(pair) && !pair.edited && !stuck.includes(pair));
    const archived = await this.#unreadable(pairs);
    const possible = new Set(possiblePairs(pairs, (pair) => archived.has(pair) || isUnstable(pair)));
    const held = pairs.filter((pair) => !possible.has(pair));
    const unarchived = new Set(possiblePairs(pairs, (pair) => archived.has(pair)));
    const unstable = held.filter((pair) => unarchived.has(pair));
    return {
      pairs: [...possible],
      waiting: held.filter((pair) => !unarchived.has(pair)),
      unstable,
      unsure: this.#unsure([...sure, ...alike]),
      stuck,
      over: blocked.map(({ arrival }) => arrival).filter(({ occupant }) => occupant !== undefined),
      albums: this.#albums.moved([...possible]),
      md5s: new Map([
        ...blocked.flatMap(({ departure: { row }, arrival: { local } }) =>
          row.md5 ? [[local.key, row.md5] as const] : [],
        ),
        ...[...md5s].map(([arrival, md5]) => [arrival.local.key, md5] as const),
      ]),
    };
  }

  /** A copy that is being made, and its original gone: what that comes to is seen when the copy can be read. */
  #unsure(paired: readonly Pair[]): Departure[] {
    const { departures, arrivals } = this.#without(paired, isYoung);
    const sizes = new Set(arrivals.map(({ local }) => local.size));
    return departures.filter(({ gone, row }) => gone && sizes.has(row.size));
  }

  /** Who is in none of these pairs; of the files those whose action is such a one. */
  #without(pairs: readonly Pair[], is: (action: Action | null) => boolean = isReadable) {
    const departed = new Set(pairs.map(({ departure }) => departure));
    const arrived = new Set(pairs.map(({ arrival }) => arrival));
    return {
      departures: this.#departures.filter((departure) => !departed.has(departure)),
      arrivals: this.#arrivals.filter((arrival) => !arrived.has(arrival) && is(arrival.found.action)),
    };
  }

  /** The MD5s of the files that could be a photo that is known: by their size, and only those. */
  async #read(sure: readonly Pair[]): Promise<ReadonlyMap<Arrival, string>> {
    const { sides, library, settings, signal } = this.#parts;
    const { departures, arrivals } = this.#without(sure);
    if (arrivals.length === 0) return new Map();
    const sizes = new Set(departures.filter(mayBeElsewhere).map(({ row }) => row.size));
    if (settings.dedupeCopy && this.#parts.policy.moves !== 'only') {
      const asked = [...new Set(arrivals.map(({ local }) => local.size))];
      for (const size of await sides.catalog.knownSizes(library, asked, signal)) sizes.add(size);
    }
    const candidates = arrivals.filter(({ local }) => local.size > 0 && sizes.has(local.size));
    const md5s = new Map<Arrival, string>();
    const read = async (arrival: Arrival) => {
      if (signal.aborted) return;
      const md5 = await md5Of(sides, arrival.local, signal).catch(nullIfUnreadable);
      if (md5 !== null) md5s.set(arrival, md5);
    };
    await pMap(candidates, read, { concurrency: settings.checkConcurrency });
    signal.throwIfAborted();
    return md5s;
  }

  /** The pairs whose object must be restored before it can be copied. */
  async #unreadable(pairs: readonly Pair[]): Promise<ReadonlySet<Pair>> {
    const archived = pairs.filter(({ departure, edited }) => !edited && isArchived(departure.object));
    const keys = archived.map(({ departure }) => departure.row.key);
    const unreadable = await unrestored(this.#parts, keys);
    return new Set(archived.filter(({ departure }) => unreadable.has(departure.row.key)));
  }
}

/** Of these archived objects, those that cannot be read now. One that cannot be asked is left to whoever needs it. */
export async function unrestored(
  { sides, settings, signal }: Pick<FinderParts, 'sides' | 'settings' | 'signal'>,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const unreadable = new Set<string>();
  const ask = async (key: string) => {
    if (signal.aborted) return;
    const found = await sides.bucket.head(key, signal).catch((thrown: unknown) => {
      const error = asRollcallError(thrown);
      if (error.code.startsWith('OBJECT_')) return null;
      throw error;
    });
    if (found !== null && isArchived(found) && (found.restore === undefined || found.restore.ongoing)) {
      unreadable.add(key);
    }
  };
  await pMap(keys, ask, { concurrency: settings.checkConcurrency });
  signal.throwIfAborted();
  return unreadable;
}

/** Those to a key with an object that nobody knows, and those that want to come where such a one stays. */
function stuckPairs(dropped: readonly Pair[]): Pair[] {
  const byTo = new Map(dropped.map((pair) => [pair.arrival.local.key, pair]));
  const stuck = new Set<Pair>();
  for (const pair of dropped) {
    if (pair.arrival.occupant !== undefined || pair.arrival.object === undefined) continue;
    for (let next: Pair | undefined = pair; next && !stuck.has(next); next = byTo.get(next.departure.row.key))
      stuck.add(next);
  }
  return [...stuck];
}

/** An object that is gone, as its row has it. */
function remembered({ key, size, etag }: CatalogRow): BucketObject {
  return { key, size, etag: etag ?? '', lastModifiedMs: 0, storageClass: 'STANDARD' };
}

/** Renamed and changed just now: its bytes may not be all there yet. */
function isUnstable({ edited, arrival }: Pair): boolean {
  return edited && isYoung(arrival.found.action);
}

function isYoung(action: Action | null): boolean {
  return action?.kind === 'report' && action.what === 'unstable';
}

/** A file in agreement need not be read, one that changes cannot be. */
function isReadable(action: Action | null): boolean {
  return action !== null && action.kind !== 'update' && !isYoung(action);
}

async function md5Of({ disk }: Sides, local: FileFacts & { path: string }, signal: AbortSignal): Promise<string> {
  const file = await disk.open(local.path, local, signal);
  try {
    const hash = createHash('md5');
    for (let offset = 0; offset < local.size; offset += READ_AT_ONCE) {
      hash.update(await file.read(offset, Math.min(READ_AT_ONCE, local.size - offset), signal));
    }
    await file.verifyUnchanged();
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

/** What cannot be read is no rename; whoever uploads it says why. */
function nullIfUnreadable(thrown: unknown): null {
  if (asRollcallError(thrown).code.startsWith('FILE_')) return null;
  throw thrown;
}
