/** Listings of the server under contract page by page, and the plain way of listing that they must agree with. */
import { ListObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { byteOrder, type ContractS3 } from './contract-s3.ts';
import { decodeKey } from './s3.ts';

/** One line of a listing: a key, or a common prefix with the mark that it is one. */
export type Line = `key ${string}` | `prefix ${string}`;

/** What is asked of a listing; empty means not asked. */
export interface Question {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
}

interface Page {
  readonly lines: Line[];
  readonly truncated: boolean;
  readonly next: string | undefined;
}

type PageOf = (s3: ContractS3, question: Question, size: number, next?: string) => Promise<Page>;

/** What a listing must say, the plain way. */
export function naiveListing(keys: readonly string[], { prefix, delimiter, after }: Question): Line[] {
  const lines = keys
    .filter((key) => key.startsWith(prefix) && byteOrder(key, after) > 0)
    .sort(byteOrder)
    .map((key): Line => {
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      return cut < 0 ? `key ${key}` : `prefix ${key.slice(0, cut + delimiter.length)}`;
    });
  return [...new Set(lines)];
}

/** A page of ListObjectsV2, `next` being its token. */
export const pageV2: PageOf = async (s3, { prefix, delimiter, after }, size, token) => {
  const question = { Prefix: prefix, Delimiter: delimiter, StartAfter: after, ContinuationToken: token };
  const ask = { Bucket: s3.bucket, ...question, MaxKeys: size, EncodingType: 'url' } as const;
  const page = await s3.client.send(new ListObjectsV2Command(ask));
  const lines = linesOf(page.Contents, page.CommonPrefixes);
  expect(page.KeyCount).toBe(lines.length);
  return { lines, truncated: page.IsTruncated === true, next: page.NextContinuationToken };
};

/** A page of the first version of the call, `next` being its marker: the last line, which NextMarker would repeat. */
export const pageV1: PageOf = async (s3, { prefix, delimiter, after }, size, marker = after) => {
  const question = { Prefix: prefix, Delimiter: delimiter, Marker: marker };
  const ask = { Bucket: s3.bucket, ...question, MaxKeys: size, EncodingType: 'url' } as const;
  const page = await s3.client.send(new ListObjectsCommand(ask));
  const lines = linesOf(page.Contents, page.CommonPrefixes);
  return { lines, truncated: page.IsTruncated === true, next: lines.map(nameOf).at(-1) };
};

/** All pages one after the other. */
export async function walk(pageOf: PageOf, s3: ContractS3, question: Question, size: number): Promise<Line[]> {
  const lines: Line[] = [];
  let next: string | undefined;
  do {
    const page = await pageOf(s3, question, size, next);
    expect(page.lines.length).toBeLessThanOrEqual(size);
    if (page.truncated) {
      expect(page.lines.length).toBeGreaterThan(0);
      expect(page.next).toBeTruthy();
    }
    lines.push(...page.lines);
    next = page.truncated ? page.next : undefined;
  } while (next !== undefined);
  return lines;
}

const nameOf = (line: Line): string => line.slice(line.indexOf(' ') + 1);

/** Keys and common prefixes come in two lists, each in order; together they are one order. */
function linesOf(
  contents: readonly { Key?: string | undefined }[] = [],
  prefixes: readonly { Prefix?: string | undefined }[] = [],
): Line[] {
  const keys = contents.map(({ Key = '' }) => decodeKey(Key));
  const folded = prefixes.map(({ Prefix = '' }) => decodeKey(Prefix));
  expect(keys).toEqual(keys.toSorted(byteOrder));
  expect(folded).toEqual(folded.toSorted(byteOrder));
  const lines: Line[] = [...keys.map((key): Line => `key ${key}`), ...folded.map((name): Line => `prefix ${name}`)];
  return lines.sort((a, b) => byteOrder(nameOf(a), nameOf(b)));
}
