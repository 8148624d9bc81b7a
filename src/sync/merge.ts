/** Joins the sides' inventories key by key, a batch at a time: memory does not grow with the library. */
import { compareKeys } from './key-order.ts';
import type { BucketObject, CatalogRow, LocalFile, Triple } from './types.ts';

type Batches<Entry> = AsyncIterable<readonly Entry[]>;

const BATCH = 1_000;

/** Reads a sorted stream of batches one entry at a time; only crossing a batch's end waits. */
class Cursor<Entry extends { readonly key: string }> {
  readonly #batches: AsyncIterator<readonly Entry[]>;
  #batch: readonly Entry[] = [];
  #at = 0;
  #ended = false;

  constructor(batches: Batches<Entry>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** The entry under the cursor; undefined at the end, or when the next batch has to be read first. */
  get current(): Entry | undefined {
    return this.#batch[this.#at];
  }

  get mustRead(): boolean {
    return !this.#ended && this.#at >= this.#batch.length;
  }

  advance(): void {
    this.#at += 1;
  }

  async read(): Promise<void> {
    while (this.mustRead) {
      const next = await this.#batches.next();
      if (next.done === true) this.#ended = true;
      else [this.#batch, this.#at] = [next.value, 0];
    }
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#batches.return?.();
  }
}

/**
 * The full outer join of two streams that are sorted by key, each key once: batches in key order of what `pair`
 * makes of the entries that share a key. Ends both streams, also when its consumer stops early.
 */
async function* outerJoin<A extends { readonly key: string }, B extends { readonly key: string }, Out>(
  left: Batches<A>,
  right: Batches<B>,
  pair: (a: A | undefined, b: B | undefined) => Out,
): AsyncGenerator<Out[]> {
  const a = new Cursor(left);
  const b = new Cursor(right);
  try {
    let out: Out[] = [];
    while (true) {
      if (a.mustRead || b.mustRead) await Promise.all([a.read(), b.read()]);
      const [x, y] = [a.current, b.current];
      if (x === undefined && y === undefined) break;
      const order = x === undefined ? 1 : y === undefined ? -1 : compareKeys(x.key, y.key);
      out.push(pair(order <= 0 ? x : undefined, order >= 0 ? y : undefined));
      if (order <= 0) a.advance();
      if (order >= 0) b.advance();
      if (out.length >= BATCH) {
        yield out;
        out = [];
      }
    }
    if (out.length > 0) yield out;
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

/** Disk and catalog, key by key. */
export function mergeDiskAndCatalog(files: Batches<LocalFile>, rows: Batches<CatalogRow>): AsyncGenerator<Triple[]> {
  return outerJoin(files, rows, (local, row) => triple(local, row, undefined));
}

/** Adds what the bucket holds. */
export function mergeBucket(pairs: Batches<Triple>, objects: Batches<BucketObject>): AsyncGenerator<Triple[]> {
  return outerJoin(pairs, objects, (known, object) =>
    known && !object ? known : triple(known?.local, known?.row, object),
  );
}

function triple(local?: LocalFile, row?: CatalogRow, object?: BucketObject): Triple {
  // As nearly all are, by the hundred thousand.
  if (local && row) return object ? { key: local.key, local, row, object } : { key: local.key, local, row };
  const key = local?.key ?? row?.key ?? object?.key ?? '';
  return { key, ...(local && { local }), ...(row && { row }), ...(object && { object }) };
}
