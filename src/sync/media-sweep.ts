/** Brings the variants in a bucket to agree with those on record: missing ones are made again, stray ones removed. */
import type { BucketPort } from './bucket-port.ts';
import { compareKeys } from './key-order.ts';
import type { MediaStore, VariantRow } from './media-store.ts';
import { variantsFolder } from './media-work.ts';
import type { BucketObject, Library } from './types.ts';

export interface SweepParts {
  readonly store: MediaStore;
  readonly variantsPrefix: string;
  readonly now: () => number;
}

export interface Swept {
  /** Photos that are due again because a variant of theirs was not in the bucket. */
  readonly missing: number;
  /** Objects that were no variant of any photo. */
  readonly removed: number;
  /** False: the listing did not come to its end, and nothing was concluded from what it did not show. */
  readonly complete: boolean;
}

/** What is younger may be on its way into the catalog. */
const STRAY_MS = 3_600_000;
const BATCH = 1_000;

/** Compares the two by key. BUCKET_*, DATABASE_*. */
export async function sweepVariants(
  { store, variantsPrefix, now }: SweepParts,
  library: Library,
  bucket: BucketPort,
  signal: AbortSignal,
): Promise<Swept> {
  const listing = bucket.list(variantsFolder(variantsPrefix, library), { shallow: false }, signal);
  const rows = new VariantCursor(store, library, signal);
  const strays: BucketObject[] = [];
  const missing: VariantRow[] = [];
  for await (const batch of listing.batches) {
    for (const object of batch) {
      missing.push(...(await rows.before(object.key)));
      const row = await rows.take(object.key);
      if (row === null && now() - object.lastModifiedMs > STRAY_MS) strays.push(object);
      else if (row !== null && (row.etag !== object.etag || row.size !== object.size)) missing.push(row);
    }
  }
  const complete = listing.problems().length === 0;
  if (complete) missing.push(...(await rows.rest()));
  const gone = missing.filter((row) => listing.vouchesFor(row.key));
  const photos = [...new Set(gone.map(({ photoId }) => photoId))];
  for (let from = 0; from < photos.length; from += BATCH) await store.demandPhotos(photos.slice(from, from + BATCH));
  return { missing: photos.length, removed: await removeAll(bucket, strays, signal), complete };
}

export type Remains = Pick<MediaStore, 'remains' | 'forgetRemains'>;

/** Removes what is left of photos that were deleted or changed; answers how many objects. BUCKET_*, DATABASE_*. */
export async function removeRemains(
  store: Remains,
  library: Library,
  bucket: Pick<BucketPort, 'removeMany'>,
  signal: AbortSignal,
): Promise<number> {
  let removed = 0;
  for (;;) {
    const remains = await store.remains(library, BATCH, signal);
    if (remains.length === 0) return removed;
    const results = await bucket.removeMany(remains, signal);
    const gone = remains.flatMap(({ key }) => {
      const result = results.get(key);
      return result === 'deleted' || result === 'changed' ? [key] : [];
    });
    await store.forgetRemains(library, gone);
    removed += gone.length;
    if (gone.length < remains.length) return removed;
  }
}

async function removeAll(bucket: BucketPort, objects: readonly BucketObject[], signal: AbortSignal): Promise<number> {
  let removed = 0;
  for (let from = 0; from < objects.length; from += BATCH) {
    const results = await bucket.removeMany(objects.slice(from, from + BATCH), signal);
    removed += [...results.values()].filter((result) => result === 'deleted').length;
  }
  return removed;
}

/** The variants on record in the order of their keys, a page at a time. */
class VariantCursor {
  readonly #store: MediaStore;
  readonly #library: Library;
  readonly #signal: AbortSignal;
  #page: readonly VariantRow[] = [];
  #at = 0;
  #after = '';
  #ended = false;

  constructor(store: MediaStore, library: Library, signal: AbortSignal) {
    this.#store = store;
    this.#library = library;
    this.#signal = signal;
  }

  /** Those whose keys come before this one. */
  async before(key: string): Promise<VariantRow[]> {
    const passed: VariantRow[] = [];
    for (let row = await this.#peek(); row && compareKeys(row.key, key) < 0; row = await this.#peek()) {
      passed.push(row);
      this.#at += 1;
    }
    return passed;
  }

  /** The one with this key, if it is next. */
  async take(key: string): Promise<VariantRow | null> {
    const row = await this.#peek();
    if (row?.key !== key) return null;
    this.#at += 1;
    return row;
  }

  async rest(): Promise<VariantRow[]> {
    const rest: VariantRow[] = [];
    for (let row = await this.#peek(); row; row = await this.#peek()) {
      rest.push(row);
      this.#at += 1;
    }
    return rest;
  }

  async #peek(): Promise<VariantRow | undefined> {
    if (this.#at >= this.#page.length && !this.#ended) {
      this.#page = await this.#store.variants(this.#library, this.#after, BATCH, this.#signal);
      this.#at = 0;
      this.#after = this.#page.at(-1)?.key ?? this.#after;
      this.#ended = this.#page.length < BATCH;
    }
    return this.#page[this.#at];
  }
}
