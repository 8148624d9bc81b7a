/**
 * The `<Contents>` of a ListObjectsV2 answer, read in one pass. The SDK's XML parser takes 12 ms for a page of a thousand
 * keys, most of what an unchanged library costs; this takes less than one. Whatever it does not know for certain it
 * leaves to the SDK, which then reads the page whole.
 */
import { unquoted } from './etags.ts';

/** An object as a listing tells of it, its key still in the listing's encoding. */
export interface ListedEntry {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Unquoted; `''` when there is none. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly storageClass: string;
}

export interface ListedEntries {
  readonly entries: readonly ListedEntry[];
  /** The document without them. */
  readonly rest: string;
}

const OPEN = '<Contents>';
const CLOSE = '</Contents>';
/** An entry in whatever form, such as one with a namespace of its own. */
const OTHERWISE = /[<:]Contents\b/;

/** Takes the entries out of a listing's XML document. Null: something about it is unusual. */
export function takeEntries(document: string): ListedEntries | null {
  const first = document.indexOf(OPEN);
  if (first === -1) return OTHERWISE.test(document) ? null : { entries: [], rest: document };
  const reader = new EntryReader(document, first);
  const entries: ListedEntry[] = [];
  while (reader.at(OPEN)) {
    const entry = reader.entry();
    if (entry === null) return null;
    entries.push(entry);
  }
  const rest = document.slice(0, first) + document.slice(reader.position);
  // Comments and character data may hold anything; entries that are not in one row may be of any meaning.
  return OTHERWISE.test(rest) || document.includes('<!') ? null : { entries, rest };
}

/** An entry on the way; null: not there, or not to be read here. */
type Reading = { -readonly [Field in keyof ListedEntry]: ListedEntry[Field] | null };

function isWhole(entry: Reading): entry is ListedEntry {
  const { key, size, etag, lastModifiedMs, storageClass } = entry;
  return key !== null && size !== null && etag !== null && lastModifiedMs !== null && storageClass !== null;
}

class EntryReader {
  readonly #document: string;
  position: number;

  constructor(document: string, position: number) {
    this.#document = document;
    this.position = position;
  }

  /** Is this what comes next, white space aside? */
  at(expected: string): boolean {
    while (isSpace(this.#document.charCodeAt(this.position))) this.position += 1;
    return this.#document.startsWith(expected, this.position);
  }

  /** Reads from `<Contents>` to behind `</Contents>`. */
  entry(): ListedEntry | null {
    this.position += OPEN.length;
    const entry: Reading = { key: null, size: null, etag: '', lastModifiedMs: null, storageClass: 'STANDARD' };
    while (!this.at(CLOSE)) if (!this.#readElement(entry)) return null;
    this.position += CLOSE.length;
    return isWhole(entry) ? entry : null;
  }

  /** Reads an element that stands between the two; false for one that is not simple. */
  #readElement(entry: Reading): boolean {
    const document = this.#document;
    if (document.charCodeAt(this.position) !== LESS) return false;
    const nameEnd = document.indexOf('>', this.position);
    const name = document.slice(this.position + 1, nameEnd);
    const reads = READERS.get(name);
    if (reads === undefined && !/^[A-Za-z]+$/.test(name)) return false;
    const closing = reads?.closing ?? `</${name}>`;
    // Of elements with elements inside (Owner, RestoreStatus) nothing is needed.
    const end = document.indexOf(closing, nameEnd);
    if (nameEnd === -1 || end === -1) return false;
    this.position = end + closing.length;
    const inner = document.slice(nameEnd + 1, end);
    reads?.read(entry, inner);
    // One that is not closed where it should be would take other entries with it.
    return !inner.includes(CLOSE);
  }
}

const LESS = 0x3c;

interface Reads {
  readonly closing: string;
  read(entry: Reading, text: string): void;
}

const READERS: ReadonlyMap<string, Reads> = new Map(
  Object.entries({
    Key: (entry: Reading, text: string) => {
      entry.key = plainText(text);
    },
    Size: (entry: Reading, text: string) => {
      entry.size = /^\d{1,15}$/.test(text) ? Number(text) : null;
    },
    ETag: (entry: Reading, text: string) => {
      entry.etag = etagOf(text);
    },
    LastModified: (entry: Reading, text: string) => {
      entry.lastModifiedMs = timeOf(text);
    },
    StorageClass: (entry: Reading, text: string) => {
      entry.storageClass = text === 'STANDARD' ? text : plainText(text);
    },
  }).map(([name, read]) => [name, { closing: `</${name}>`, read }]),
);

/** Nearly all are hexadecimal digits between quotation marks, written as such or as their entities. */
function etagOf(text: string): string | null {
  const usual = /^(?:"|&quot;)([0-9a-f-]+)(?:"|&quot;)$/.exec(text);
  if (usual?.[1] !== undefined) return ` ${usual[1]}`.slice(1);
  const plain = plainText(text);
  return plain === null ? null : unquoted(plain);
}

/** As S3 writes them. `Date.parse` reads much else, and what has no zone as this machine's time. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function timeOf(text: string): number | null {
  const time = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Null if there are elements in it, or references that need a parser. */
function plainText(text: string): string | null {
  if (text.includes('<')) return null;
  // A piece of a string keeps all of it in memory, which would be the page; this one is of its own.
  return text.includes('&') ? unescaped(text) : ` ${text}`.slice(1);
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Undoes XML's references; null for one that it does not know. */
function unescaped(text: string): string | null {
  let unknown = false;
  const plain = text.replace(/&(?:(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]+);)?/gi, (_whole, name?: string) => {
    const known = name === undefined ? undefined : referenced(name);
    unknown ||= known === undefined;
    return known ?? '';
  });
  return unknown ? null : plain;
}

function referenced(name: string): string | undefined {
  if (!name.startsWith('#')) return Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
  const code = Number(/^#x/i.test(name) ? `0${name.slice(1)}` : name.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
