/**
 * A stand-in for a bucket of any size: answers ListObjectsV2 for the photos of photo-files.ts, each page computed when
 * it is asked for, so that a million keys cost no uploads and no memory. It ignores signatures, knows one bucket,
 * stores nothing and answers nothing else; it is no S3 and serves only to measure the program against.
 *
 * `node listing-server.ts <photos> <prefix>` prints its port and ends when its standard input does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { syntheticEtag } from './agreements.ts';
import { photoPath } from './photo-files.ts';

const MOST_KEYS = 1_000;
const MODIFIED = '2020-09-14T00:00:00.000Z';

/** A bucket's keys in order, by number. All are ASCII, so that JavaScript's order is S3's. */
export interface KeySequence {
  readonly length: number;
  keyAt(index: number): string;
}

export interface ListingQuery {
  readonly prefix: string;
  /** Empty: none. */
  readonly delimiter: string;
  /** Only what is greater is listed. */
  readonly after: string;
  readonly maxKeys: number;
}

export interface ListingPage {
  readonly keys: readonly string[];
  readonly commonPrefixes: readonly string[];
  readonly last: string;
  readonly truncated: boolean;
}

/** One page of the listing. */
export function pageOf(sequence: KeySequence, query: ListingQuery): ListingPage {
  const keys: string[] = [];
  const commonPrefixes: string[] = [];
  let last = query.after;
  let index = firstIndex(sequence, query);
  while (index < sequence.length) {
    const key = sequence.keyAt(index);
    if (!key.startsWith(query.prefix)) break;
    if (keys.length + commonPrefixes.length === query.maxKeys) return { keys, commonPrefixes, last, truncated: true };
    const common = commonPrefixOf(key, query);
    last = common ?? key;
    if (common === null) {
      keys.push(key);
      index += 1;
    } else {
      commonPrefixes.push(common);
      index = lowerBound(sequence, afterAllUnder(common));
    }
  }
  return { keys, commonPrefixes, last, truncated: false };
}

/** A common prefix that is not greater than `after` has been listed, and all that is under it. */
function firstIndex(sequence: KeySequence, query: ListingQuery): number {
  const { prefix, after } = query;
  if (after < prefix) return lowerBound(sequence, prefix);
  const common = commonPrefixOf(after, query);
  return lowerBound(sequence, common === null ? `${after}\0` : afterAllUnder(common));
}

function commonPrefixOf(key: string, { prefix, delimiter }: ListingQuery): string | null {
  const at = delimiter === '' || !key.startsWith(prefix) ? -1 : key.indexOf(delimiter, prefix.length);
  return at === -1 ? null : key.slice(0, at + delimiter.length);
}

function afterAllUnder(prefix: string): string {
  return `${prefix}\x7f`;
}

/** The number of the first key that is not less than `key`. */
function lowerBound(sequence: KeySequence, key: string): number {
  let [low, high] = [0, sequence.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sequence.keyAt(middle) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function answer(sequence: KeySequence, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const bucket = url.pathname.split('/')[1] ?? '';
  if (request.method !== 'GET' || url.searchParams.get('list-type') !== '2') {
    response.writeHead(501).end('<Error><Code>NotImplemented</Code></Error>');
    return;
  }
  const body = document(sequence, bucket, url.searchParams);
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) }).end(body);
}

function document(sequence: KeySequence, bucket: string, asked: URLSearchParams): string {
  const token = asked.get('continuation-token');
  const after = token === null ? (asked.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const encoded = asked.get('encoding-type') === 'url';
  const text = (key: string): string => (encoded ? encodeURIComponent(key).replaceAll('%2F', '/') : key);
  const prefix = asked.get('prefix') ?? '';
  const delimiter = asked.get('delimiter') ?? '';
  const maxKeys = Math.min(MOST_KEYS, Number(asked.get('max-keys') ?? MOST_KEYS));
  const page = pageOf(sequence, { prefix, delimiter, after, maxKeys });
  const entries = page.keys.map(
    (key) =>
      `<Contents><Key>${text(key)}</Key><LastModified>${MODIFIED}</LastModified><ETag>&quot;${syntheticEtag(key)}` +
      '&quot;</ETag><Size>0</Size><StorageClass>STANDARD</StorageClass></Contents>',
  );
  const folders = page.commonPrefixes.map((one) => `<CommonPrefixes><Prefix>${text(one)}</Prefix></CommonPrefixes>`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    `<Name>${bucket}</Name><Prefix>${text(prefix)}</Prefix><MaxKeys>${maxKeys}</MaxKeys>`,
    delimiter === '' ? '' : `<Delimiter>${text(delimiter)}</Delimiter>`,
    encoded ? '<EncodingType>url</EncodingType>' : '',
    `<IsTruncated>${page.truncated}</IsTruncated><KeyCount>${entries.length + folders.length}</KeyCount>`,
    token === null ? '' : `<ContinuationToken>${token}</ContinuationToken>`,
    page.truncated
      ? `<NextContinuationToken>${Buffer.from(page.last).toString('base64url')}</NextContinuationToken>`
      : '',
    ...entries,
    ...folders,
    '</ListBucketResult>',
  ].join('');
}

function serve(photos: number, prefix: string): void {
  const sequence: KeySequence = { length: photos, keyAt: (index) => prefix + photoPath(index) };
  const server = createServer((request, response) => answer(sequence, request, response));
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
  process.stdin.resume().on('end', () => process.exit());
  // Ctrl-C in a terminal reaches the whole group; the benchmark ends this one when it has cleaned up.
  process.on('SIGINT', () => {});
}

const [script = '', photos = '', prefix = ''] = process.argv.slice(1);
if (import.meta.url === pathToFileURL(script).href) serve(Number(photos), prefix);
