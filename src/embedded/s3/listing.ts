/** One page of a bucket in key order, with keys below a delimiter rolled up into common prefixes. */
import { afterKey, afterPrefix, compareKeys } from './key-order.ts';
import type { ListedObject, ObjectStore } from './store.ts';

/** Keys under one common prefix that are read over before the rest of them is skipped by seeking. */
const READ_OVER = 16;

export interface ListingRequest {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty: none. */
  readonly delimiter: string;
  /** Only keys and common prefixes greater than this are listed. */
  readonly after: string;
  readonly maxKeys: number;
}

export interface ListingPage {
  readonly objects: readonly ListedObject[];
  readonly prefixes: readonly string[];
  /** The greatest key or common prefix of the page: where the next page goes on. */
  readonly last: string;
  readonly truncated: boolean;
}

type Scan = Pick<ObjectStore, 'scan'>;

/** Lists one page. It reads no more rows than it answers, a few for each common prefix, and one beyond the end. */
export function listPage(store: Scan, request: ListingRequest): ListingPage {
  const objects: ListedObject[] = [];
  const prefixes: string[] = [];
  let last = '';
  for (const item of items(store, request)) {
    if (objects.length + prefixes.length === request.maxKeys) return { objects, prefixes, last, truncated: true };
    if (typeof item === 'string') {
      prefixes.push(item);
      last = item;
    } else {
      objects.push(item);
      last = item.key;
    }
  }
  return { objects, prefixes, last, truncated: false };
}

/** Objects, and common prefixes as strings, in order from where the request starts. */
function* items(store: Scan, request: ListingRequest): Generator<ListedObject | string> {
  if (request.maxKeys === 0) return;
  const end = afterPrefix(request.prefix);
  let from: string | null = startOf(request);
  while (from !== null) {
    const next: string | null = yield* itemsFrom(store, request, from, end);
    if (next !== null && end !== null && compareKeys(next, end) >= 0) return;
    from = next;
  }
}

/** Goes on until the end (null), or until it pays to seek: then it returns where to. */
function* itemsFrom(
  store: Scan,
  request: ListingRequest,
  from: string,
  end: string | null,
): Generator<ListedObject | string, string | null> {
  let current: string | null = null;
  let readOver = 0;
  for (const object of store.scan(request.bucket, from, end)) {
    if (current !== null && object.key.startsWith(current)) {
      if (++readOver > READ_OVER) return afterPrefix(current);
      continue;
    }
    const common = commonPrefix(object.key, request);
    if (common === null) {
      yield object;
    } else {
      current = common;
      readOver = 0;
      yield common;
    }
  }
  return null;
}

/** A common prefix that is not greater than `after` has been listed already, with all that is below it. */
function startOf(request: ListingRequest): string | null {
  const { prefix, after } = request;
  if (compareKeys(after, prefix) < 0) return prefix;
  if (after === '') return '';
  const common = commonPrefix(after, request);
  return common === null ? afterKey(after) : afterPrefix(common);
}

function commonPrefix(key: string, { prefix, delimiter }: ListingRequest): string | null {
  if (delimiter === '' || !key.startsWith(prefix)) return null;
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? null : key.slice(0, at + delimiter.length);
}
