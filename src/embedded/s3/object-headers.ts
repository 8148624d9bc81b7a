/** What of a request's headers is kept with an object, and how an object is described in an answer's headers. */
import { checksumHeader } from './checksums.ts';
import { S3Error } from './errors.ts';
import { restoreHeader } from './restore-state.ts';
import type { Described, StoredObject } from './store.ts';
import type { RequestHead } from './types.ts';

const KEPT = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
] as const;
const METADATA = 'x-amz-meta-';
const LARGEST_METADATA = 2048;
const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
]);
/** Headers that ask for something this server does not do: better refused than taken and forgotten. */
const REFUSED = [
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-copy-source-server-side-encryption-customer-algorithm',
  'x-amz-website-redirect-location',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-legal-hold',
  'x-amz-tagging',
  'x-amz-write-offset-bytes',
];

/** Reads what is to be kept with an object. Throws MetadataTooLarge, NotImplemented. */
export function readDescribed(head: RequestHead): Described {
  const headers: Record<string, string> = {};
  for (const name of KEPT) {
    const value = name === 'content-encoding' ? contentEncoding(head) : head.headers.get(name);
    if (value !== undefined && value !== '') headers[name] = value;
  }
  const metadata: Record<string, string> = {};
  let bytes = 0;
  for (const [name, value] of head.headers) {
    if (!name.startsWith(METADATA)) continue;
    const short = name.slice(METADATA.length);
    metadata[short] = decodeBytes(value);
    bytes += short.length + value.length;
  }
  if (bytes > LARGEST_METADATA) {
    throw new S3Error('MetadataTooLarge', undefined, { Size: String(bytes), MaxSizeAllowed: String(LARGEST_METADATA) });
  }
  return { headers, metadata };
}

/** Throws NotImplemented when a header asks for what is not there. */
export function refuseUnsupported(head: RequestHead): void {
  for (const name of REFUSED) {
    if (head.headers.has(name)) throw new S3Error('NotImplemented', undefined, { Header: name });
  }
  if (head.headers.get('x-amz-server-side-encryption')?.startsWith('aws:') === true) {
    throw new S3Error('NotImplemented', undefined, { Header: 'x-amz-server-side-encryption' });
  }
}

/** Throws InvalidStorageClass for a class AWS has not got. */
export function readStorageClass(head: RequestHead): string | null {
  const name = head.headers.get('x-amz-storage-class');
  if (name === undefined) return null;
  if (!STORAGE_CLASSES.has(name)) throw new S3Error('InvalidStorageClass', undefined, { StorageClassRequested: name });
  return name;
}

/** Headers of GetObject and HeadObject that don't depend on a range. */
export function objectHeaders(object: StoredObject, head: RequestHead, now: number): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'binary/octet-stream',
    ...object.described.headers,
    'accept-ranges': 'bytes',
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.modifiedMs).toUTCString(),
  };
  for (const [name, value] of Object.entries(object.described.metadata)) headers[METADATA + name] = encodeHeader(value);
  if (object.storageClass !== 'STANDARD') headers['x-amz-storage-class'] = object.storageClass;
  const restore = restoreHeader(object, now);
  if (restore !== null) headers['x-amz-restore'] = restore;
  if (head.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED')
    Object.assign(headers, checksumHeaders(object));
  return headers;
}

/** An object's checksum as answered by the operations that write or read it. */
export function checksumHeaders({ checksum }: Pick<StoredObject, 'checksum'>): Record<string, string> {
  if (checksum === null) return {};
  return { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** aws-chunked is framing for the way here, not a property of the object. */
function contentEncoding(head: RequestHead): string | undefined {
  const parts = head.headers
    .get('content-encoding')
    ?.split(',')
    .map((part) => part.trim());
  return parts?.filter((part) => part !== '' && part !== 'aws-chunked').join(',');
}

/** Metadata sent as UTF-8 arrives a byte a character. */
function decodeBytes(value: string): string {
  const bytes = Buffer.from(value, 'latin1');
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? value : text;
}

/** Headers carry ASCII; other text goes in the encoded words of RFC 2047, as from AWS. */
function encodeHeader(value: string): string {
  return /^[\t\x20-\x7e]*$/.test(value) ? value : `=?UTF-8?B?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}
