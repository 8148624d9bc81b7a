/** Multipart uploads but for their parts and their end: create, abort, list. */
import { randomBytes } from 'node:crypto';
import { type ChecksumAlgorithm, type ChecksumType, checksumElement } from './checksums.ts';
import { readAlgorithm } from './copy-object.ts';
import { S3Error } from './errors.ts';
import { compareKeys } from './key-order.ts';
import { OWNER, readEncoding, readMaximum } from './list-objects.ts';
import { readDescribed, readStorageClass, refuseUnsupported } from './object-headers.ts';
import { wholeSeconds } from './put-object.ts';
import type { Operation, S3Context, S3Request } from './types.ts';
import type { StoredUpload } from './upload-store.ts';
import { document, element } from './xml.ts';

const INITIATOR = OWNER.replaceAll('Owner>', 'Initiator>');

export const createMultipartUpload: Operation = async (request, { store }) => {
  const { bucket, key } = request;
  refuseUnsupported(request);
  const checksumAlgorithm = readAlgorithm(request);
  const upload: StoredUpload = {
    // Ids in the order of their making, as uploads of one key are listed.
    id: request.now.toString(16).padStart(12, '0') + randomBytes(12).toString('hex'),
    bucket,
    key,
    initiatedMs: wholeSeconds(request.now),
    storageClass: readStorageClass(request) ?? 'STANDARD',
    checksumAlgorithm,
    checksumType: readChecksumType(request, checksumAlgorithm),
    described: readDescribed(request),
  };
  await store.commit(() => {
    store.requireBucket(bucket);
    store.uploads.insert(upload);
  });
  const headers: Record<string, string> = {};
  if (checksumAlgorithm !== null) headers['x-amz-checksum-algorithm'] = checksumAlgorithm;
  if (upload.checksumType !== null) headers['x-amz-checksum-type'] = upload.checksumType;
  const content = element('Bucket', bucket) + element('Key', key) + element('UploadId', upload.id);
  return { status: 200, headers, body: document('InitiateMultipartUploadResult', content) };
};

export const abortMultipartUpload: Operation = async (request, context) => {
  await context.store.commit(() => context.store.uploads.delete(requireUpload(request, context).id));
  return { status: 204 };
};

export const listParts: Operation = (request, context) => {
  const upload = requireUpload(request, context);
  const most = readMaximum(request, 'max-parts');
  const marker = readMaximum(request, 'part-number-marker', Number.MAX_SAFE_INTEGER);
  const after = request.query.has('part-number-marker') ? marker : 0;
  const found = context.store.uploads.parts(upload.id, after, most + 1);
  const parts = found.slice(0, most);
  const rows = parts.map(({ number, size, etag, modifiedMs, checksum }) => {
    const sum = checksum === null ? '' : element(checksumElement(checksum.algorithm), checksum.value);
    const modified = element('LastModified', new Date(modifiedMs).toISOString());
    return `<Part>${element('PartNumber', number)}${modified}${element('ETag', `"${etag}"`)}${element('Size', size)}${sum}</Part>`;
  });
  const content =
    element('Bucket', upload.bucket) +
    element('Key', upload.key) +
    element('UploadId', upload.id) +
    INITIATOR +
    OWNER +
    element('StorageClass', upload.storageClass) +
    checksumElements(upload) +
    element('PartNumberMarker', after) +
    element('NextPartNumberMarker', parts.at(-1)?.number ?? 0) +
    element('MaxParts', most) +
    element('IsTruncated', found.length > most) +
    rows.join('');
  return { status: 200, body: document('ListPartsResult', content) };
};

export const listMultipartUploads: Operation = (request, { store }) => {
  const { bucket, query } = request;
  store.requireBucket(bucket);
  const encodeText = readEncoding(request);
  const most = readMaximum(request, 'max-uploads');
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const keyMarker = query.get('key-marker') ?? '';
  // An upload id without a key means nothing; a key without an id stands for all uploads of that key.
  const idMarker = keyMarker === '' ? '' : query.get('upload-id-marker') || '\u{10ffff}';
  const page = pageOfUploads(store.uploads.ofBucket(bucket, keyMarker, idMarker), {
    prefix,
    delimiter,
    keyMarker,
    most,
  });
  const rows = page.uploads.map((upload) => {
    const initiated = element('Initiated', new Date(upload.initiatedMs).toISOString());
    const key = `<Key>${encodeText(upload.key)}</Key>${element('UploadId', upload.id)}`;
    const storageClass = element('StorageClass', upload.storageClass);
    return `<Upload>${key}${INITIATOR}${OWNER}${storageClass}${initiated}${checksumElements(upload)}</Upload>`;
  });
  const content =
    element('Bucket', bucket) +
    `<KeyMarker>${encodeText(keyMarker)}</KeyMarker>` +
    element('UploadIdMarker', query.get('upload-id-marker') ?? '') +
    (page.truncated ? `<NextKeyMarker>${encodeText(page.lastKey)}</NextKeyMarker>` : '') +
    (page.truncated ? element('NextUploadIdMarker', page.lastId) : '') +
    `<Prefix>${encodeText(prefix)}</Prefix>` +
    (delimiter === '' ? '' : `<Delimiter>${encodeText(delimiter)}</Delimiter>`) +
    element('MaxUploads', most) +
    (query.has('encoding-type') ? '<EncodingType>url</EncodingType>' : '') +
    element('IsTruncated', page.truncated) +
    rows.join('') +
    page.prefixes.map((one) => `<CommonPrefixes><Prefix>${encodeText(one)}</Prefix></CommonPrefixes>`).join('');
  return { status: 200, body: document('ListMultipartUploadsResult', content) };
};

/** The upload a request's uploadId means. Throws NoSuchBucket, NoSuchUpload. */
export function requireUpload(request: S3Request, { store }: S3Context): StoredUpload {
  store.requireBucket(request.bucket);
  const id = request.query.get('uploadId') ?? '';
  const upload = store.uploads.upload(id);
  if (upload === null || upload.bucket !== request.bucket || upload.key !== request.key) {
    throw new S3Error('NoSuchUpload', undefined, { UploadId: id });
  }
  return upload;
}

function checksumElements({ checksumAlgorithm, checksumType }: StoredUpload): string {
  if (checksumAlgorithm === null) return '';
  return element('ChecksumAlgorithm', checksumAlgorithm) + element('ChecksumType', checksumType ?? 'COMPOSITE');
}

function readChecksumType(request: S3Request, algorithm: ChecksumAlgorithm | null): ChecksumType | null {
  const type = request.headers.get('x-amz-checksum-type')?.toUpperCase();
  if (algorithm === null) {
    if (type === undefined) return null;
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  const usual: ChecksumType = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  if (type === undefined) return usual;
  const possible = type === usual || (type === 'FULL_OBJECT' && algorithm.startsWith('CRC'));
  if (possible) return type;
  throw new S3Error(
    'InvalidRequest',
    `The ${type} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
  );
}

interface UploadPage {
  readonly uploads: StoredUpload[];
  readonly prefixes: string[];
  readonly truncated: boolean;
  readonly lastKey: string;
  readonly lastId: string;
}

function pageOfUploads(
  all: Iterable<StoredUpload>,
  want: { prefix: string; delimiter: string; keyMarker: string; most: number },
): UploadPage {
  const page = { uploads: [] as StoredUpload[], prefixes: [] as string[], lastKey: '', lastId: '' };
  for (const upload of all) {
    if (!upload.key.startsWith(want.prefix)) continue;
    const at = want.delimiter === '' ? -1 : upload.key.indexOf(want.delimiter, want.prefix.length);
    const common = at === -1 ? null : upload.key.slice(0, at + want.delimiter.length);
    if (common !== null && (common === page.prefixes.at(-1) || compareKeys(common, want.keyMarker) <= 0)) continue;
    if (page.uploads.length + page.prefixes.length === want.most) return { ...page, truncated: want.most > 0 };
    if (common === null) page.uploads.push(upload);
    else page.prefixes.push(common);
    page.lastKey = common ?? upload.key;
    page.lastId = common === null ? upload.id : '';
  }
  return { ...page, truncated: false };
}
