/** What a request line and its headers say, before anything is believed. */
import type { IncomingMessage } from 'node:http';
import { S3Error } from './errors.ts';
import type { RequestHead } from './types.ts';

const LONGEST_KEY_BYTES = 1024;
const VIRTUAL_HOST = /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.localhost(?::[0-9]+)?$/i;

/** Takes a request apart. Throws InvalidURI for what can't be decoded, KeyTooLongError above 1,024 bytes. */
export function readHead(http: IncomingMessage): RequestHead {
  const url = http.url ?? '/';
  if (!url.startsWith('/')) throw new S3Error('InvalidURI');
  const mark = url.indexOf('?');
  const rawPath = mark === -1 ? url : url.slice(0, mark);
  const headers = joinHeaders(http.rawHeaders);
  const { bucket, key } = splitPath(rawPath, headers.get('host') ?? '');
  if (Buffer.byteLength(key) > LONGEST_KEY_BYTES) {
    throw new S3Error('KeyTooLongError', undefined, { MaxSizeAllowed: String(LONGEST_KEY_BYTES) });
  }
  const queryPairs = mark === -1 ? [] : parseQuery(url.slice(mark + 1));
  // The first of a repeated parameter counts.
  const query = new Map(queryPairs.toReversed());
  return { method: http.method ?? '', rawPath, bucket, key, query, queryPairs, headers };
}

function splitPath(rawPath: string, host: string): { bucket: string; key: string } {
  const virtual = VIRTUAL_HOST.exec(host)?.[1];
  if (virtual !== undefined) return { bucket: virtual.toLowerCase(), key: decode(rawPath.slice(1)) };
  const slash = rawPath.indexOf('/', 1);
  if (slash === -1) return { bucket: decode(rawPath.slice(1)), key: '' };
  return { bucket: decode(rawPath.slice(1, slash)), key: decode(rawPath.slice(slash + 1)) };
}

function parseQuery(raw: string): [string, string][] {
  const pairs = raw.split('&').filter((pair) => pair !== '');
  return pairs.map((pair) => {
    const equals = pair.indexOf('=');
    const [name, value] = equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))];
  });
}

/** Undoes percent-encoding. Throws InvalidURI when the result is not UTF-8. */
export function decode(raw: string): string {
  try {
    // Node gives bytes above 0x7f as characters of their own; together they may be UTF-8.
    const ascii = raw.replace(/[\u0080-\u00ff]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
    return decodeURIComponent(ascii);
  } catch {
    throw new S3Error('InvalidURI');
  }
}

function joinHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}
