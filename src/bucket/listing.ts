/** A bucket's listing as an Inventory: pages in key order, each checked before it is believed. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type _Object, ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { asRollcallError, type ErrorCode } from '../errors.ts';
import { compareKeys } from '../sync/key-order.ts';
import type { Inventory, Problem } from '../sync/ports.ts';
import type { BucketObject } from '../sync/types.ts';
import { unquoted } from './etags.ts';
import { type ListedEntry, takeEntries } from './listing-entries.ts';
import { type PageWord, wordOf } from './listing-whole.ts';
import { isProbeKey } from './probe-object.ts';
import type { BucketRequests } from './requests.ts';

/** A page as the server answered it. */
interface Answer extends Omit<ListObjectsV2CommandOutput, 'Contents' | 'IsTruncated'> {
  readonly entries: readonly Partial<ListedEntry>[];
  readonly word: PageWord;
}

/** A page's document as it was read here. */
interface Document {
  /** Null: left to the SDK. */
  readonly entries: readonly ListedEntry[] | null;
  /** What is left of its text. */
  readonly told: string;
}

/** What one page told, or why it and all after it cannot be believed. */
interface Page {
  readonly objects: readonly BucketObject[];
  /** Of the whole page, folder markers and probes included. */
  readonly lastKey: string | null;
  readonly nextToken: string | null;
  readonly fault: Problem | null;
}

/**
 * The objects under a prefix. Each page is fetched while the one before is used. A later page that fails after its
 * retries, or any page that breaks a promise of S3's (order, prefix, paging), ends the listing as a hiding problem:
 * nothing of that page is believed, and the listing vouches for no key past the page before it.
 */
export class Listing implements Inventory<BucketObject> {
  readonly batches: AsyncIterable<readonly BucketObject[]>;
  readonly #requests: BucketRequests;
  readonly #prefix: string;
  readonly #shallow: boolean;
  readonly #problems: Problem[] = [];
  /** The last key of the pages passed on; null while there is none. */
  #lastKey: string | null = null;
  #complete = false;

  constructor(requests: BucketRequests, prefix: string, shallow: boolean, signal: AbortSignal) {
    this.#requests = requests;
    this.#prefix = prefix;
    this.#shallow = shallow;
    this.batches = this.#read(signal);
  }

  problems(): readonly Problem[] {
    return this.#problems;
  }

  vouchesFor(key: string): boolean {
    if (!key.startsWith(this.#prefix) || isProbeKey(key)) return false;
    if (this.#shallow && key.indexOf('/', this.#prefix.length) !== -1) return false;
    return this.#complete || (this.#lastKey !== null && compareKeys(key, this.#lastKey) <= 0);
  }

  async *#read(signal: AbortSignal): AsyncGenerator<readonly BucketObject[]> {
    const left = new AbortController();
    const either = AbortSignal.any([signal, left.signal]);
    try {
      let page = await this.#page(1, null, null, either);
      for (let number = 2; ; number++) {
        const next = page.nextToken === null ? null : this.#page(number, page.nextToken, page.lastKey, either);
        // Awaited only after the consumer has used this page; until then a failure must not count as unhandled.
        next?.catch(() => {});
        this.#lastKey = page.lastKey;
        if (page.fault !== null) this.#problems.push(page.fault);
        if (page.objects.length > 0) yield page.objects;
        if (next === null) {
          this.#complete = page.fault === null;
          return;
        }
        page = await next;
      }
    } finally {
      left.abort();
    }
  }

  /** Fetches and checks one page. Throws on abort, and when the first page fails: nothing is known then. */
  async #page(number: number, token: string | null, after: string | null, signal: AbortSignal): Promise<Page> {
    let answer: Answer;
    try {
      answer = await this.#fetch(token, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      if (number === 1) throw thrown;
      return this.#broken(number, after, 'LISTING_FAILED', asRollcallError(thrown).message);
    }
    return this.#checked(number, token, after, answer);
  }

  async #fetch(token: string | null, signal: AbortSignal): Promise<Answer> {
    const command = new ListObjectsV2Command({
      Bucket: this.#requests.identity.bucket,
      Prefix: this.#prefix,
      // Keys may hold characters that XML cannot.
      EncodingType: 'url',
      ...(this.#shallow && { Delimiter: '/' }),
      ...(token !== null && { ContinuationToken: token }),
    });
    const taken = takeEntriesFrom(command);
    const { Contents = [], ...answer } = await this.#requests.send(command, { kind: 'list', doing: 'list' }, signal);
    const { entries, told } = taken();
    const word = wordOf(told, entries === null ? Contents.length : null);
    return { ...answer, word, entries: entries ?? Contents.map(entryOf) };
  }

  #checked(number: number, token: string | null, after: string | null, answer: Answer): Page {
    // Something other than S3 (a login page in between) parses as an empty listing: that must not pass for one.
    if ('odd' in answer.word) return this.#broken(number, after, 'LISTING_FAILED', answer.word.odd);
    const decode = answer.EncodingType === 'url' ? decodeKey : (key: string): string => key;
    const objects: BucketObject[] = [];
    let last = after;
    for (const entry of answer.entries) {
      const key = decode(entry.key ?? '');
      if (key === null) {
        this.#problems.push(this.#notice(entry.key ?? ''));
        continue;
      }
      if (key === '' || !isSize(entry.size)) {
        return this.#broken(number, after, 'LISTING_FAILED', `it names ${quote(key)} without a size`);
      }
      if (!key.startsWith(this.#prefix)) {
        return this.#broken(number, after, 'LISTING_FAILED', `it names ${quote(key)}, which is not under the prefix`);
      }
      if (last !== null && compareKeys(last, key) >= 0) {
        return this.#broken(number, after, 'LISTING_UNORDERED', `it names ${quote(key)} after ${quote(last)}`);
      }
      last = key;
      if (isProbeKey(key)) continue;
      objects.push(objectOf(entry, key, entry.size));
    }
    const nextToken = answer.word.isTruncated ? (answer.NextContinuationToken ?? '') : null;
    if (nextToken === '' || (nextToken !== null && nextToken === token)) {
      const fault = this.#fault(number, 'LISTING_FAILED', 'it says that more follows, but not where');
      return { objects, lastKey: last, nextToken: null, fault };
    }
    return { objects, lastKey: last, nextToken, fault: null };
  }

  #broken(number: number, after: string | null, code: ErrorCode, what: string): Page {
    return { objects: [], lastKey: after, nextToken: null, fault: this.#fault(number, code, what) };
  }

  #fault(number: number, code: ErrorCode, what: string): Problem {
    const path = this.#address();
    return { path, code, message: `page ${number} of the listing of ${path} cannot be used: ${what}`, hides: true };
  }

  /** A key that is no Unicode text can be no photo's: its absence from the entries hides none. */
  #notice(encoded: string): Problem {
    const message = `the bucket holds a key that is not valid UTF-8: ${encoded}`;
    return { path: this.#address(), code: 'NAME_INVALID', message, hides: false };
  }

  #address(): string {
    return `s3://${this.#requests.identity.bucket}/${this.#prefix}`;
  }
}

/** Has the entries of a page read by us and the rest of it by the SDK. Answers how to get them once the answer is there. */
function takeEntriesFrom({ middlewareStack }: ListObjectsV2Command): () => Document {
  let read: Document = { entries: null, told: '' };
  middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const response = answer.response as { statusCode?: unknown; body?: unknown };
      read = { entries: null, told: '' };
      if (response.statusCode === 200 && response.body instanceof Readable) {
        const document = await buffer(response.body);
        const taken = takeEntries(document);
        const rest = taken?.rest ?? document;
        read = { entries: taken?.entries ?? null, told: rest.toString('latin1') };
        response.body = rest;
      }
      return answer;
    },
    // Nearest to the wire: what the SDK retries comes through here again.
    { step: 'deserialize', priority: 'low', name: 'takeEntries', override: true },
  );
  return () => read;
}

function isSize(size: number | undefined): size is number {
  return Number.isSafeInteger(size) && Number(size) >= 0;
}

function objectOf(entry: Partial<ListedEntry>, key: string, size: number): BucketObject {
  const { etag = '', lastModifiedMs = 0, storageClass = '' } = entry;
  return { key, size, etag, lastModifiedMs, storageClass: storageClass === '' ? 'STANDARD' : storageClass };
}

function entryOf({ Key, Size, ETag, LastModified, StorageClass }: _Object): Partial<ListedEntry> {
  return {
    ...(Key !== undefined && { key: Key }),
    ...(Size !== undefined && { size: Size }),
    etag: unquoted(ETag),
    ...(LastModified !== undefined && { lastModifiedMs: LastModified.getTime() }),
    ...(StorageClass !== undefined && { storageClass: StorageClass }),
  };
}

/** Undoes `encoding-type=url`, in which servers write a space as `+` or `%20`; null if it is no UTF-8. */
function decodeKey(encoded: string): string | null {
  if (!encoded.includes('%') && !encoded.includes('+')) return encoded;
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

function quote(key: string): string {
  return JSON.stringify(key);
}
