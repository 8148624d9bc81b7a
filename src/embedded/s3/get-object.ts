/** GetObject and HeadObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
import { isNotModified, rangeStillHolds } from './conditions.ts';
import { S3Error } from './errors.ts';
import { objectHeaders } from './object-headers.ts';
import { requireReadable } from './restore-state.ts';
import type { Segment, StoredObject } from './store.ts';
import type { Operation, RequestHead, S3Context, S3Request, S3Response } from './types.ts';

/** Query parameters of GetObject that override an answer's header. */
const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/** From `start` (inclusive) to `end` (exclusive). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Answers up to this many bytes are read before they are sent: a stream costs more than they do. */
const SMALL_BYTES = 128 * 1024;

export const getObject: Operation = async (request, context) => {
  const object = requireObject(request, context);
  const answer = describe(request, context, object);
  if (answer.status === 304) return answer.response;
  requireReadable(object, request.now);
  const segments = context.store.segments(object);
  const release = context.bodies.hold(segments.map((segment) => segment.body));
  const body = readRange(context, segments, answer.range);
  if (answer.range.end - answer.range.start > SMALL_BYTES) return { ...answer.response, body, release };
  try {
    return { ...answer.response, body: await collect(body) };
  } finally {
    release();
  }
};

export const headObject: Operation = (request, context) => {
  const object = requireObject(request, context);
  return describe(request, context, object).response;
};

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Throws NoSuchBucket, NoSuchKey, NoSuchVersion. */
export function requireObject(request: S3Request, { store }: S3Context): StoredObject {
  store.requireBucket(request.bucket);
  const version = request.query.get('versionId');
  if (version !== undefined && version !== 'null') throw new S3Error('NoSuchVersion', undefined, { Key: request.key });
  const object = store.object(request.bucket, request.key);
  if (object === null) throw new S3Error('NoSuchKey', undefined, { Key: request.key });
  return object;
}

/** Reads a range of an object from the bodies it is made of, which the caller holds. */
export async function* readRange(
  context: S3Context,
  segments: readonly Segment[],
  range: ByteRange,
): AsyncGenerator<Buffer, void, undefined> {
  let from = 0;
  for (const { body, size } of segments) {
    const start = Math.max(range.start - from, 0);
    const end = Math.min(range.end - from, size);
    if (start < end) yield* context.bodies.read(body, start, end);
    from += size;
    if (from >= range.end) return;
  }
}

/**
 * The bytes a Range header asks for; null when it asks for all, or in a way that RFC 9110 says to ignore.
 * Throws InvalidRange.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | null {
  const match = /^bytes=([0-9]*)-([0-9]*)$/.exec(header?.trim() ?? '');
  if (match === null) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  if (start >= size) {
    throw new S3Error('InvalidRange', undefined, { RangeRequested: header ?? '', ActualObjectSize: String(size) });
  }
  return { start, end };
}

function describe(
  request: S3Request,
  context: S3Context,
  object: StoredObject,
): { status: number; range: ByteRange; response: S3Response } {
  const whole = { start: 0, end: object.size };
  const headers: Record<string, string | number> = objectHeaders(object, request, request.now);
  if (isNotModified(request, object)) {
    const { etag = '', 'last-modified': modified = '' } = headers;
    return { status: 304, range: whole, response: { status: 304, headers: { etag, 'last-modified': modified } } };
  }
  const rangeHeader = rangeStillHolds(request, object) ? request.headers.get('range') : undefined;
  const asked = partRange(request, context, object) ?? parseRange(rangeHeader, object.size);
  const range = asked ?? whole;
  headers['content-length'] = range.end - range.start;
  if (asked !== null && object.size > 0)
    headers['content-range'] = `bytes ${range.start}-${range.end - 1}/${object.size}`;
  if (asked !== null && !isWhole(range, object)) dropChecksums(headers);
  if (request.query.has('partNumber') && object.partCount > 0) headers['x-amz-mp-parts-count'] = object.partCount;
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`);
    if (value !== undefined) headers[name] = value;
  }
  const status = asked === null ? 200 : 206;
  return { status, range, response: { status, headers } };
}

function isWhole(range: ByteRange, object: StoredObject): boolean {
  return range.start === 0 && range.end === object.size;
}

/** A checksum of the whole object would only mislead a client that got a piece. */
function dropChecksums(headers: Record<string, unknown>): void {
  for (const name of Object.keys(headers)) if (name.startsWith('x-amz-checksum-')) delete headers[name];
}

function partRange(request: RequestHead, context: S3Context, object: StoredObject): ByteRange | null {
  const text = request.query.get('partNumber');
  if (text === undefined) return null;
  if (!/^[0-9]{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 10_000) {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
      ArgumentName: 'partNumber',
      ArgumentValue: text,
    });
  }
  if (request.headers.has('range')) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  }
  let start = 0;
  for (const { number, size } of context.store.segments(object)) {
    if (number === Number(text)) return { start, end: start + size };
    start += size;
  }
  throw new S3Error('InvalidPartNumber', undefined, { ActualPartCount: String(Math.max(1, object.partCount)) });
}
