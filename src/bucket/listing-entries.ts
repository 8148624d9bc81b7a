/**
 * The `<Contents>` of a ListObjectsV2 answer, read in one pass over its bytes. The SDK's XML parser takes 12 ms for a page
 * of a thousand keys, most of what an unchanged library costs; this takes less than one. Whatever it does not know for
 * certain it leaves to the SDK, which then reads the page whole.
 */
import { unquoted } from './etags.ts';
import { plainText, timeOf } from './listing-text.ts';

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
  readonly entries: ListedEntry[];
  /** The document without them. */
  readonly rest: Buffer;
}

/**
 * An entry in whatever form, such as one with a namespace of its own; a comment or character data, which may hold anything.
 */
const OTHERWISE = /[<:]Contents\b|<!/;

/** Takes the entries out of a listing's XML document, in UTF-8. Null: something about it is unusual. */
export function takeEntries(document: Buffer): ListedEntries | null {
  const found = document.indexOf(OPEN);
  const first = found === -1 ? document.length : found;
  const reader = new EntryReader(document, first);
  const entries: ListedEntry[] = [];
  while (reader.at(OPEN)) {
    const entry = reader.entry();
    if (entry === null) return null;
    entries.push(entry);
  }
  const rest = Buffer.concat([document.subarray(0, first), document.subarray(reader.position)]);
  // Entries that are not in one row may be of any meaning.
  return OTHERWISE.test(rest.toString('latin1')) ? null : { entries, rest };
}

const OPEN = Buffer.from('<Contents>');
const CLOSE = Buffer.from('</Contents>');

const [LESS, GREATER, SLASH, AMPERSAND] = [0x3c, 0x3e, 0x2f, 0x26];

/** An entry on the way; null: not there, or not to be read here. */
type Reading = { -readonly [Field in keyof ListedEntry]: ListedEntry[Field] | null };

function isWhole(entry: Reading): entry is ListedEntry {
  const { key, size, etag, lastModifiedMs, storageClass } = entry;
  return key !== null && size !== null && etag !== null && lastModifiedMs !== null && storageClass !== null;
}

class EntryReader {
  readonly #document: Buffer;
  position: number;

  constructor(document: Buffer, position: number) {
    this.#document = document;
    this.position = position;
  }

  /** Is this what comes next, white space aside? */
  at(expected: Buffer): boolean {
    while (isSpace(this.#document[this.position])) this.position += 1;
    return isAt(this.#document, this.position, expected);
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
    const nameAt = this.position + 1;
    if (document[this.position] !== LESS) return false;
    let at = nameAt;
    while (isLetter(document[at])) at += 1;
    if (at === nameAt || document[at] !== GREATER) return false;
    const nameEnd = at;
    const start = at + 1;
    // Which bytes there are among the text's: only beyond ASCII is the highest bit set.
    let bits = 0;
    let references = false;
    for (at = start; at < document.length; at++) {
      const byte = document[at] as number;
      if (byte === LESS) break;
      if (byte === AMPERSAND) references = true;
      bits |= byte;
    }
    const closes = document[at + 1] === SLASH && document[at + 2 + nameEnd - nameAt] === GREATER;
    if (!closes || !sameBytes(document, nameAt, at + 2, nameEnd - nameAt)) return this.#skipNested(nameAt, nameEnd);
    this.position = at + 3 + nameEnd - nameAt;
    for (const { name, read } of READERS) {
      if (name.length !== nameEnd - nameAt || !isAt(document, nameAt, name)) continue;
      read(entry, { document, start, end: at, plain: !references && bits < 0x80 });
    }
    return true;
  }

  /** Of elements with elements inside (Owner, RestoreStatus) nothing is needed. */
  #skipNested(nameAt: number, nameEnd: number): boolean {
    const closing = `</${this.#document.toString('latin1', nameAt, nameEnd)}>`;
    const end = this.#document.indexOf(closing, nameEnd);
    if (end === -1 || READERS.some(({ name }) => `</${name.toString()}>` === closing)) return false;
    this.position = end + closing.length;
    // One that is not closed where it should be would take other entries with it.
    const inner = this.#document.subarray(nameEnd, end);
    return !inner.includes(CLOSE) && !inner.includes('<!');
  }
}

/** The text of an element. `plain`: ASCII without references. */
interface Text {
  readonly document: Buffer;
  readonly start: number;
  readonly end: number;
  readonly plain: boolean;
}

interface Reads {
  readonly name: Buffer;
  read(entry: Reading, text: Text): void;
}

const READERS: readonly Reads[] = [
  {
    name: Buffer.from('Key'),
    read(entry, text) {
      entry.key = textOf(text);
    },
  },
  {
    name: Buffer.from('Size'),
    read(entry, { document, start, end }) {
      entry.size = end > start && end - start <= 15 ? digits(document, start, end) : null;
    },
  },
  {
    name: Buffer.from('ETag'),
    read(entry, text) {
      entry.etag = etagOf(text);
    },
  },
  {
    name: Buffer.from('LastModified'),
    read(entry, text) {
      entry.lastModifiedMs = usualTimeOf(text) ?? timeOf(textOf(text) ?? '');
    },
  },
  {
    name: Buffer.from('StorageClass'),
    read(entry, text) {
      const { document, start, end } = text;
      const usual = end - start === STANDARD.length && isAt(document, start, STANDARD);
      if (!usual) entry.storageClass = textOf(text);
    },
  },
];

const STANDARD = Buffer.from('STANDARD');
const ENTITY = Buffer.from('&quot;');
const QUOTE = Buffer.from('"');

function textOf({ document, start, end, plain }: Text): string | null {
  return plain ? document.toString('latin1', start, end) : plainText(document.toString('utf8', start, end));
}

/** Nearly all are hexadecimal digits between quotation marks, written as such or as their entities. */
function etagOf(text: Text): string | null {
  const { document, start, end } = text;
  const quote = isAt(document, start, ENTITY) ? ENTITY : QUOTE;
  const [from, to] = [start + quote.length, end - quote.length];
  const quoted = from < to && isAt(document, start, quote) && isAt(document, to, quote);
  if (quoted && isPlainETag(document, from, to)) return document.toString('latin1', from, to);
  const whole = textOf(text);
  return whole === null ? null : unquoted(whole);
}

function isPlainETag(document: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = document[at] as number;
    const isHexOrDash = (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66) || byte === 0x2d;
    if (!isHexOrDash) return false;
  }
  return true;
}

/** `2026-11-21T18:14:44.007Z`, or without the fraction; null for any other form, and for days that some months lack. */
function usualTimeOf({ document, start, end }: Text): number | null {
  const length = end - start;
  if (!(length === 20 || (length === 24 && document[start + 19] === 0x2e)) || document[end - 1] !== 0x5a) return null;
  for (const [offset, byte] of PUNCTUATION) if (document[start + offset] !== byte) return null;
  const part = (from: number, to: number) => digits(document, start + from, start + to);
  const [year, month, day] = [part(0, 4), part(5, 7), part(8, 10)];
  const [hour, minute, second, ms] = [part(11, 13), part(14, 16), part(17, 19), length === 24 ? part(20, 23) : 0];
  if (year === null || month === null || day === null) return null;
  if (hour === null || minute === null || second === null || ms === null) return null;
  const exists = year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 28;
  return exists && hour < 24 && minute < 60 && second < 60
    ? Date.UTC(year, month - 1, day, hour, minute, second, ms)
    : null;
}

const PUNCTUATION: readonly (readonly [offset: number, byte: number])[] = [
  [4, 0x2d],
  [7, 0x2d],
  [10, 0x54],
  [13, 0x3a],
  [16, 0x3a],
];

/** The number that is written there; null if there is anything but digits. */
function digits(document: Buffer, start: number, end: number): number | null {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (document[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  return value;
}

function isAt(document: Buffer, position: number, expected: Buffer): boolean {
  if (position < 0 || position + expected.length > document.length) return false;
  for (let i = 0; i < expected.length; i++) if (document[position + i] !== expected[i]) return false;
  return true;
}

function sameBytes(document: Buffer, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (document[one + i] !== document[other + i]) return false;
  return true;
}

function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a));
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
