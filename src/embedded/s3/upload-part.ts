/** UploadPart and UploadPartCopy: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
import { copyBytes, copyResult, openSource } from './copy-object.ts';
import { S3Error } from './errors.ts';
import { requireUpload } from './multipart.ts';
import { checksumHeaders } from './object-headers.ts';
import { storeBody, wholeSeconds } from './put-object.ts';
import type { Operation, S3Request } from './types.ts';
import type { StoredPart } from './upload-store.ts';
import { document } from './xml.ts';

const MOST_PARTS = 10_000;

export const uploadPart: Operation = async (request, context) => {
  const number = readPartNumber(request);
  const upload = requireUpload(request, context);
  const part = await storeBody(request, context, upload.checksumAlgorithm, (body, received) => {
    // It may have been completed or aborted while the bytes came in.
    requireUpload(request, context);
    const { size, checksum } = received;
    const etag = received.md5.toString('hex');
    const stored: StoredPart = { number, size, etag, modifiedMs: wholeSeconds(request.now), checksum, body };
    context.store.uploads.putPart(upload.id, stored);
    return stored;
  });
  const { 'x-amz-checksum-type': _, ...checksum } = checksumHeaders(part);
  return { status: 200, headers: { etag: `"${part.etag}"`, ...checksum } };
};

export const uploadPartCopy: Operation = async (request, context) => {
  const number = readPartNumber(request);
  const upload = requireUpload(request, context);
  const source = openSource(request, context);
  const range = readSourceRange(request, source.size);
  const part = await copyBytes(context, source, range, upload.checksumAlgorithm, (copy) =>
    context.store.commit(() => {
      requireUpload(request, context);
      const stored: StoredPart = { number, ...copy, modifiedMs: wholeSeconds(request.now) };
      context.store.uploads.putPart(upload.id, stored);
      return stored;
    }),
  );
  return { status: 200, body: document('CopyPartResult', copyResult(part)) };
};

function readPartNumber(request: S3Request): number {
  const text = request.query.get('partNumber') ?? '';
  const number = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MOST_PARTS) return number;
  throw new S3Error('InvalidArgument', `Part number must be an integer between 1 and ${MOST_PARTS}, inclusive`, {
    ArgumentName: 'partNumber',
    ArgumentValue: text,
  });
}

function readSourceRange(request: S3Request, size: number): { start: number; end: number } {
  const text = request.headers.get('x-amz-copy-source-range');
  if (text === undefined) return { start: 0, end: size };
  const match = /^bytes=([0-9]{1,15})-([0-9]{1,15})$/.exec(text);
  const [start, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && start <= last && last < size) return { start, end: last + 1 };
  throw new S3Error(
    match === null || start > last ? 'InvalidArgument' : 'InvalidRange',
    `The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy, within the source's ${size} bytes`,
    { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: text },
  );
}
