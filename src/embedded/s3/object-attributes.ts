/** GetObjectAttributes, and the little that is to say about access lists and tags. */
import { checksumElement } from './checksums.ts';
import { S3Error } from './errors.ts';
import { requireObject } from './get-object.ts';
import { OWNER } from './list-objects.ts';
import type { StoredObject } from './store.ts';
import type { Operation, S3Context, S3Request } from './types.ts';
import { document, element } from './xml.ts';

const ATTRIBUTES: ReadonlySet<string> = new Set(['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize']);
const ACL = document(
  'AccessControlPolicy',
  `${OWNER}<AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${OWNER.replace(/<\/?Owner>/g, '')}</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>`,
);

export const getObjectAttributes: Operation = (request, context) => {
  const object = requireObject(request, context);
  const header = request.headers.get('x-amz-object-attributes') ?? '';
  const wanted = new Set(
    header
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  );
  if (wanted.size === 0 || [...wanted].some((name) => !ATTRIBUTES.has(name))) {
    throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', {
      ArgumentName: 'x-amz-object-attributes',
      ArgumentValue: header,
    });
  }
  const content =
    (wanted.has('ETag') ? element('ETag', object.etag) : '') +
    (wanted.has('Checksum') ? checksum(object) : '') +
    (wanted.has('ObjectParts') && object.partCount > 0 ? parts(request, context, object) : '') +
    (wanted.has('StorageClass') ? element('StorageClass', object.storageClass) : '') +
    (wanted.has('ObjectSize') ? element('ObjectSize', object.size) : '');
  const headers = { 'last-modified': new Date(object.modifiedMs).toUTCString() };
  return { status: 200, headers, body: document('GetObjectAttributesResponse', content) };
};

export const getBucketAcl: Operation = (request, { store }) => {
  store.requireBucket(request.bucket);
  return { status: 200, body: ACL };
};

export const getObjectAcl: Operation = (request, context) => {
  requireObject(request, context);
  return { status: 200, body: ACL };
};

export const getObjectTagging: Operation = (request, context) => {
  requireObject(request, context);
  return { status: 200, body: document('Tagging', '<TagSet></TagSet>') };
};

function checksum({ checksum: sum }: StoredObject): string {
  if (sum === null) return '';
  // The number of parts stands in ObjectParts, not behind the value.
  const value = element(checksumElement(sum.algorithm), sum.value.replace(/-[0-9]+$/, ''));
  return `<Checksum>${value}${element('ChecksumType', sum.type)}</Checksum>`;
}

function parts(request: S3Request, { store }: S3Context, object: StoredObject): string {
  const most = number(request, 'x-amz-max-parts', 1000);
  const after = number(request, 'x-amz-part-number-marker', 0);
  const found = object.uploadId === null ? [] : store.uploads.parts(object.uploadId, after, most + 1);
  const page = found.slice(0, most);
  // AWS lists parts only where they have checksums, and else merely counts them.
  const rows = page.map(({ number: partNumber, size, checksum: sum }) => {
    if (sum === null) return '';
    return `<Part>${element('PartNumber', partNumber)}${element('Size', size)}${element(checksumElement(sum.algorithm), sum.value)}</Part>`;
  });
  const content =
    element('PartsCount', object.partCount) +
    element('PartNumberMarker', after) +
    element('NextPartNumberMarker', page.at(-1)?.number ?? 0) +
    element('MaxParts', most) +
    element('IsTruncated', found.length > most) +
    rows.join('');
  return `<ObjectParts>${content}</ObjectParts>`;
}

function number(request: S3Request, header: string, usual: number): number {
  const text = request.headers.get(header);
  if (text === undefined) return usual;
  if (!/^[0-9]{1,9}$/.test(text)) {
    throw new S3Error('InvalidArgument', undefined, { ArgumentName: header, ArgumentValue: text });
  }
  return Number(text);
}
