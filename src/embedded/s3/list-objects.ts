/** ListObjectsV2 and ListObjects: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
import { S3Error } from './errors.ts';
import { type ListingPage, listPage } from './listing.ts';
import { restoreState } from './restore-state.ts';
import { encode } from './sigv4.ts';
import type { ListedObject } from './store.ts';
import type { Operation, S3Request } from './types.ts';
import { document, element, escapeXml } from './xml.ts';

const MOST_KEYS = 1000;
/** Continuation tokens are opaque to clients; the letter tells ours from what somebody made up. */
const TOKEN_MARK = 'r';
export const OWNER = '<Owner><ID>rollcall</ID><DisplayName>rollcall</DisplayName></Owner>';

type Encode = (text: string) => string;

export const listObjectsV2: Operation = (request, { store }) => {
  store.requireBucket(request.bucket);
  const { query } = request;
  const token = query.get('continuation-token');
  const after = token === undefined ? (query.get('start-after') ?? '') : readToken(token);
  const { page, common, encodeText } = list(request, store, after);
  const owner = query.get('fetch-owner') === 'true';
  const startAfter = query.get('start-after');
  const head =
    common +
    element('KeyCount', page.objects.length + page.prefixes.length) +
    (token === undefined ? '' : element('ContinuationToken', token)) +
    (page.truncated ? element('NextContinuationToken', makeToken(page.last)) : '') +
    (startAfter === undefined ? '' : `<StartAfter>${encodeText(startAfter)}</StartAfter>`);
  return xml(head + entries(request, page, encodeText, owner));
};

export const listObjects: Operation = (request, { store }) => {
  store.requireBucket(request.bucket);
  const marker = request.query.get('marker') ?? '';
  const { page, common, encodeText } = list(request, store, marker);
  // Without a delimiter the last key is the next marker, and AWS leaves it to the client to see that.
  const next = page.truncated && (request.query.get('delimiter') ?? '') !== '';
  const head =
    common +
    `<Marker>${encodeText(marker)}</Marker>` +
    (next ? `<NextMarker>${encodeText(page.last)}</NextMarker>` : '');
  return xml(head + entries(request, page, encodeText, true));
};

/** A parameter that is a number from 0 on, cut at 1,000. Throws InvalidArgument. */
export function readMaximum(request: S3Request, name: string, most = MOST_KEYS): number {
  const text = request.query.get(name);
  if (text === undefined || text === '') return most;
  if (!/^[0-9]{1,10}$/.test(text)) {
    throw new S3Error('InvalidArgument', `Provided ${name} not an integer or within integer range`, {
      ArgumentName: name,
      ArgumentValue: text,
    });
  }
  return Math.min(most, Number(text));
}

/** How keys are written in an answer: encoded as a form's values when the client asked for it. */
export function readEncoding(request: S3Request): Encode {
  const type = request.query.get('encoding-type');
  if (type === undefined) return escapeXml;
  if (type === 'url') return encodeKey;
  throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
    ArgumentName: 'encoding-type',
    ArgumentValue: type,
  });
}

const PLAIN = /^[A-Za-z0-9/._*-]*$/;

function encodeKey(text: string): string {
  if (PLAIN.test(text)) return text;
  return encode(text).replaceAll('%2F', '/').replaceAll('%2A', '*').replaceAll('%20', '+');
}

function list(
  request: S3Request,
  store: Parameters<typeof listPage>[0],
  after: string,
): { page: ListingPage; common: string; encodeText: Encode } {
  const { bucket, query } = request;
  const encodeText = readEncoding(request);
  const maxKeys = readMaximum(request, 'max-keys');
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const page = listPage(store, { bucket, prefix, delimiter, after, maxKeys });
  const common =
    element('Name', bucket) +
    `<Prefix>${encodeText(prefix)}</Prefix>` +
    (delimiter === '' ? '' : `<Delimiter>${encodeText(delimiter)}</Delimiter>`) +
    element('MaxKeys', maxKeys) +
    (query.has('encoding-type') ? '<EncodingType>url</EncodingType>' : '') +
    element('IsTruncated', page.truncated);
  return { page, common, encodeText };
}

function entries(request: S3Request, page: ListingPage, encodeText: Encode, owner: boolean): string {
  const restores = (request.headers.get('x-amz-optional-object-attributes') ?? '').includes('RestoreStatus');
  let text = '';
  for (const object of page.objects) {
    text +=
      `<Contents><Key>${encodeText(object.key)}</Key>` +
      `<LastModified>${new Date(object.modifiedMs).toISOString()}</LastModified>` +
      `<ETag>&quot;${object.etag}&quot;</ETag><Size>${object.size}</Size>` +
      `${owner ? OWNER : ''}<StorageClass>${object.storageClass}</StorageClass>` +
      `${restores ? restoreStatus(object, request.now) : ''}</Contents>`;
  }
  for (const prefix of page.prefixes) {
    text += `<CommonPrefixes><Prefix>${encodeText(prefix)}</Prefix></CommonPrefixes>`;
  }
  return text;
}

function restoreStatus(object: ListedObject, now: number): string {
  const state = restoreState(object, now);
  if (state === 'ongoing') return '<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>';
  if (state !== 'restored') return '';
  const expiry = element('RestoreExpiryDate', new Date(object.restoreExpiryMs ?? 0).toISOString());
  return `<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>${expiry}</RestoreStatus>`;
}

function makeToken(last: string): string {
  return TOKEN_MARK + Buffer.from(last, 'utf8').toString('base64url');
}

function readToken(token: string): string {
  const text = Buffer.from(token.slice(1), 'base64url').toString('utf8');
  if (text === '' || makeToken(text) !== token) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
      ArgumentName: 'continuation-token',
    });
  }
  return text;
}

function xml(content: string) {
  return { status: 200, body: document('ListBucketResult', content) };
}
