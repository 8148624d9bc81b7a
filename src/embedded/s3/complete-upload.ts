/** CompleteMultipartUpload: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
import { createHash } from 'node:crypto';
import {
  CHECKSUM_ALGORITHMS,
  checksumElement,
  checksumHeader,
  createChecksum,
  type StoredChecksum,
} from './checksums.ts';
import { checkWrite } from './conditions.ts';
import { combineCrc } from './crc.ts';
import { LARGEST_DOCUMENT } from './delete-objects.ts';
import { S3Error } from './errors.ts';
import { requireUpload } from './multipart.ts';
import { receiveDocument } from './payload.ts';
import type { StoredObject } from './store.ts';
import type { Operation, S3Context, S3Request } from './types.ts';
import type { StoredPart, StoredUpload } from './upload-store.ts';
import { document, element, parseXml, type XmlNode } from './xml.ts';

const SMALLEST_PART = 5 * 1024 * 1024;
const LARGEST_OBJECT = 5 * 1024 ** 4;
const MOST_PARTS = 10_000;

interface ClaimedPart {
  readonly number: number;
  readonly etag: string;
  /** By the element that carried them. */
  readonly checksums: readonly StoredChecksum[];
}

/** The parts become the object where they lie: nothing is copied, and it happens in one commit or not at all. */
export const completeMultipartUpload: Operation = async (request, context) => {
  const { store } = context;
  requireUpload(request, context);
  const claimed = readParts(
    parseXml(await receiveDocument(withoutChecksums(request), LARGEST_DOCUMENT), 'CompleteMultipartUpload'),
  );
  const object = await store.commit(() => {
    const upload = requireUpload(request, context);
    checkWrite(request, store.object(request.bucket, request.key));
    const parts = chooseParts(context, upload, claimed);
    const completed = assemble(upload, parts);
    checkWhole(request, completed);
    store.putObject(completed);
    store.uploads.finish(upload.id, new Set(parts.map((part) => part.number)));
    return completed;
  });
  const { bucket, key, etag, checksum } = object;
  const location = `http://${request.headers.get('host') ?? 'localhost'}${request.rawPath}`;
  const sum =
    checksum === null
      ? ''
      : element(checksumElement(checksum.algorithm), checksum.value) + element('ChecksumType', checksum.type);
  const content =
    element('Location', location) +
    element('Bucket', bucket) +
    element('Key', key) +
    element('ETag', `"${etag}"`) +
    sum;
  return { status: 200, body: document('CompleteMultipartUploadResult', content) };
};

/** Here x-amz-checksum headers tell of the object, not of this request's body. */
function withoutChecksums(request: S3Request): S3Request {
  const headers = new Map(request.headers);
  for (const algorithm of CHECKSUM_ALGORITHMS) headers.delete(checksumHeader(algorithm));
  headers.delete('x-amz-sdk-checksum-algorithm');
  return { ...request, headers };
}

function readParts(root: XmlNode): ClaimedPart[] {
  const parts = root.all('Part').map((node): ClaimedPart => {
    const number = node.text('PartNumber') ?? '';
    const etag = node.text('ETag');
    if (!/^[0-9]{1,6}$/.test(number.trim()) || etag === null) throw new S3Error('MalformedXML');
    const checksums = CHECKSUM_ALGORITHMS.flatMap((algorithm): StoredChecksum[] => {
      const value = node.text(checksumElement(algorithm));
      return value === null ? [] : [{ algorithm, value, type: 'FULL_OBJECT' }];
    });
    return { number: Number(number), etag: etag.trim().replace(/^"(.*)"$/, '$1'), checksums };
  });
  if (parts.length === 0 || parts.length > MOST_PARTS) throw new S3Error('MalformedXML');
  for (const [i, part] of parts.entries()) {
    if (i > 0 && part.number <= (parts[i - 1]?.number ?? 0)) throw new S3Error('InvalidPartOrder');
  }
  return parts;
}

function chooseParts({ store }: S3Context, upload: StoredUpload, claimed: readonly ClaimedPart[]): StoredPart[] {
  const uploaded = new Map(store.uploads.parts(upload.id).map((part) => [part.number, part]));
  const chosen = claimed.map((claim) => {
    const part = uploaded.get(claim.number);
    const same = claim.checksums.every(
      ({ algorithm, value }) => part?.checksum?.algorithm !== algorithm || part.checksum.value === value,
    );
    if (part?.etag !== claim.etag || !same) {
      throw new S3Error('InvalidPart', undefined, {
        UploadId: upload.id,
        PartNumber: String(claim.number),
        ETag: claim.etag,
      });
    }
    return part;
  });
  for (const part of chosen.slice(0, -1)) {
    if (part.size >= SMALLEST_PART) continue;
    throw new S3Error('EntityTooSmall', undefined, {
      ProposedSize: String(part.size),
      MinSizeAllowed: String(SMALLEST_PART),
      PartNumber: String(part.number),
      ETag: part.etag,
    });
  }
  return chosen;
}

function assemble(upload: StoredUpload, parts: readonly StoredPart[]): StoredObject {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  if (size > LARGEST_OBJECT) throw new S3Error('EntityTooLarge');
  const md5 = createHash('md5');
  for (const part of parts) md5.update(part.etag, 'hex');
  return {
    bucket: upload.bucket,
    key: upload.key,
    size,
    etag: `${md5.digest('hex')}-${parts.length}`,
    // As in AWS, where an object is as old as the beginning of its upload.
    modifiedMs: upload.initiatedMs,
    storageClass: upload.storageClass,
    restoreReadyMs: null,
    restoreExpiryMs: null,
    checksum: wholeChecksum(upload, parts),
    body: null,
    uploadId: upload.id,
    partCount: parts.length,
    described: upload.described,
  };
}

function wholeChecksum(upload: StoredUpload, parts: readonly StoredPart[]): StoredChecksum | null {
  const { checksumAlgorithm: algorithm, checksumType: type } = upload;
  if (algorithm === null || type === null) return null;
  const digests = parts.map((part) => Buffer.from(part.checksum?.value ?? '', 'base64'));
  if (type === 'COMPOSITE' || algorithm === 'SHA1' || algorithm === 'SHA256') {
    const digest = createChecksum(algorithm);
    for (const part of digests) digest.update(part);
    return { algorithm, value: `${digest.digest().toString('base64')}-${parts.length}`, type };
  }
  let sum = 0n;
  for (const [i, digest] of digests.entries()) {
    sum = combineCrc(algorithm, sum, BigInt(`0x${digest.toString('hex')}`), parts[i]?.size ?? 0);
  }
  const hex = sum.toString(16).padStart((digests[0]?.length ?? 0) * 2, '0');
  return { algorithm, value: Buffer.from(hex, 'hex').toString('base64'), type };
}

function checkWhole(request: S3Request, object: StoredObject): void {
  const size = request.headers.get('x-amz-mp-object-size');
  if (size !== undefined && size !== String(object.size)) {
    throw new S3Error(
      'InvalidRequest',
      `The size of the object is ${object.size}, not the x-amz-mp-object-size of ${size}.`,
    );
  }
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = request.headers.get(checksumHeader(algorithm));
    if (value === undefined || object.checksum?.algorithm !== algorithm) continue;
    if (value.replace(/-[0-9]+$/, '') !== object.checksum.value.replace(/-[0-9]+$/, '')) {
      throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
    }
  }
}
