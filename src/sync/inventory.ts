/** The three sides of a scope as one stream of triples, and how far their silence can be trusted. */
import pMap from 'p-map';
import { asRollcallError } from '../errors.ts';
import type { BucketPort } from './bucket-port.ts';
import type { CatalogPort } from './catalog-port.ts';
import { mergeBucket, mergeDiskAndCatalog } from './merge.ts';
import type { DiskPort, Inventory, Problem } from './ports.ts';
import type { BucketObject, Direction, Scope, SyncSettings, Triple } from './types.ts';

export interface Sides {
  readonly disk: DiskPort;
  readonly bucket: BucketPort;
  readonly catalog: CatalogPort;
}

/** Whose silence about a key proves absence. */
export interface Vouching {
  readonly disk: boolean;
  readonly bucket: boolean;
}

export interface Survey {
  readonly triples: AsyncIterable<readonly Triple[]>;
  vouchesFor(key: string): Vouching;
  /** Final once `triples` has ended. */
  problems(): readonly Problem[];
}

/** A LIST page costs about as much as so many HEADs, and tells of a thousand keys (FACTS: S3 prices). */
const HEADS_A_LIST_PAGE = 12;

/**
 * Opens the three inventories of a scope. EXISTENCE_CHECK `auto` asks by HEAD for an album of a handful of photos
 * and lists otherwise. Only a listing can show objects that nobody knows: where they are to be fetched, there is no
 * other way.
 */
export function openSurvey(
  sides: Sides,
  scope: Scope,
  settings: Pick<SyncSettings, 'existenceCheck' | 'checkConcurrency'>,
  direction: Direction,
  signal: AbortSignal,
): Survey {
  const files = sides.disk.walk(scope.album, signal);
  const rows = sides.catalog.rows(scope, signal);
  const pairs = mergeDiskAndCatalog(files.batches, rows.batches);
  const bucket = new BucketSide(sides.bucket, scope, settings, direction, signal);
  return {
    triples: bucket.complete(pairs),
    vouchesFor: (key) => new KeyVouching(key, files, bucket),
    problems: () => [...files.problems(), ...rows.problems(), ...bucket.problems()],
  };
}

/** Answers when it is asked, which is for few keys: what a side has yielded needs nobody to vouch for it. */
class KeyVouching implements Vouching {
  readonly #key: string;
  readonly #files: Pick<Inventory<unknown>, 'vouchesFor'>;
  readonly #objects: Pick<Inventory<unknown>, 'vouchesFor'>;

  constructor(
    key: string,
    files: Pick<Inventory<unknown>, 'vouchesFor'>,
    objects: Pick<Inventory<unknown>, 'vouchesFor'>,
  ) {
    this.#key = key;
    this.#files = files;
    this.#objects = objects;
  }

  get disk(): boolean {
    return this.#files.vouchesFor(this.#key);
  }

  get bucket(): boolean {
    return this.#objects.vouchesFor(this.#key);
  }
}

/** The prefix of a scope's keys: an album's folder, or the whole library's. */
export function prefixOf({ library, album }: Scope): string {
  return album === null || album === '.' ? library.prefix : `${library.prefix}${album}/`;
}

class BucketSide {
  readonly #bucket: BucketPort;
  readonly #scope: Scope;
  readonly #settings: Pick<SyncSettings, 'existenceCheck' | 'checkConcurrency'>;
  readonly #signal: AbortSignal;
  readonly #fetches: boolean;
  readonly #failedHeads = new Map<string, Problem>();
  #listing: Inventory<BucketObject> | null = null;
  #allowed: Promise<void> | null = null;

  constructor(
    bucket: BucketPort,
    scope: Scope,
    settings: Pick<SyncSettings, 'existenceCheck' | 'checkConcurrency'>,
    direction: Direction,
    signal: AbortSignal,
  ) {
    this.#fetches = direction !== 'up';
    this.#bucket = bucket;
    this.#scope = scope;
    this.#settings = settings;
    this.#signal = signal;
  }

  vouchesFor(key: string): boolean {
    return this.#listing === null ? !this.#failedHeads.has(key) : this.#listing.vouchesFor(key);
  }

  problems(): readonly Problem[] {
    return [...this.#failedHeads.values(), ...(this.#listing?.problems() ?? [])];
  }

  async *complete(pairs: AsyncGenerator<Triple[]>): AsyncGenerator<readonly Triple[]> {
    const { existenceCheck } = this.#settings;
    if (this.#fetches) yield* this.#byList(pairs);
    else if (existenceCheck === 'head') yield* this.#byHead(pairs);
    else if (existenceCheck === 'list' || this.#scope.album === null) yield* this.#byList(pairs);
    else {
      const { few, all } = await lookAhead(pairs, HEADS_A_LIST_PAGE);
      yield* few ? this.#byHead(all) : this.#byList(all);
    }
  }

  #byList(pairs: AsyncIterable<Triple[]>): AsyncGenerator<Triple[]> {
    const listing = this.#bucket.list(prefixOf(this.#scope), { shallow: this.#scope.album !== null }, this.#signal);
    this.#listing = listing;
    return mergeBucket(pairs, this.#fetches ? listing.batches : withoutFolderMarkers(listing.batches));
  }

  async *#byHead(pairs: AsyncIterable<Triple[]>): AsyncGenerator<Triple[]> {
    for await (const batch of pairs) {
      yield await pMap(batch, (pair) => this.#head(pair), { concurrency: this.#settings.checkConcurrency });
    }
  }

  /** A HEAD's refusal does not say whether anything is allowed here at all: a listing does, asked once. */
  #assertAllowed(): Promise<void> {
    this.#allowed ??= this.#bucket.preflight(prefixOf(this.#scope), this.#signal);
    return this.#allowed;
  }

  /** One photo's HEAD; a failure that says nothing of the others leaves this one unseen. */
  async #head(pair: Triple): Promise<Triple> {
    this.#signal.throwIfAborted();
    try {
      const object = await this.#bucket.head(pair.key, this.#signal);
      return object === null ? pair : { ...pair, object };
    } catch (thrown) {
      const error = asRollcallError(thrown);
      if (!error.code.startsWith('OBJECT_')) throw error;
      if (error.code === 'OBJECT_DENIED') await this.#assertAllowed();
      const path = pair.local?.path ?? pair.row?.path ?? pair.key;
      this.#failedHeads.set(pair.key, { path, code: error.code, message: error.message, hides: true });
      return pair;
    }
  }
}

/** Objects whose keys end in `/` stand for folders in some tools; they are no photos, and nothing to send up over. */
async function* withoutFolderMarkers(batches: AsyncIterable<readonly BucketObject[]>) {
  for await (const batch of batches) yield batch.filter((object) => !object.key.endsWith('/'));
}

/** Reads on until there are more than `limit` entries, or none left; `all` has them all again, in order. */
async function lookAhead<Entry>(
  batches: AsyncGenerator<Entry[]>,
  limit: number,
): Promise<{ few: boolean; all: AsyncGenerator<Entry[]> }> {
  const seen: Entry[] = [];
  let ended = false;
  while (seen.length <= limit && !ended) {
    const next = await batches.next();
    if (next.done === true) ended = true;
    else seen.push(...next.value);
  }
  async function* all(): AsyncGenerator<Entry[]> {
    try {
      if (seen.length > 0) yield seen;
      if (!ended) yield* batches;
    } finally {
      await batches.return(undefined);
    }
  }
  return { few: seen.length <= limit, all: all() };
}
