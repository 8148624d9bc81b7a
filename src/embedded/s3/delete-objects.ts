/** DeleteObject and DeleteObjects: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
import { checkMatch, matches } from './conditions.ts';
import { S3Error } from './errors.ts';
import { hasIntegrityHeader, receiveDocument } from './payload.ts';
import type { ObjectStore } from './store.ts';
import type { Operation, S3Request } from './types.ts';
import { document, element, parseXml } from './xml.ts';

const MOST_KEYS = 1000;
export const LARGEST_DOCUMENT = 8 * 1024 * 1024;

interface Wanted {
  readonly key: string;
  readonly etag: string | null;
  readonly version: string | null;
}

interface Outcome {
  readonly key: string;
  readonly error: S3Error | null;
}

export const deleteObject: Operation = async (request, { store }) => {
  const { bucket, key } = request;
  const version = request.query.get('versionId');
  await store.commit(() => {
    store.requireBucket(bucket);
    checkMatch(request, store.object(bucket, key));
    // A version nobody made is as gone as it can be.
    if (version === undefined || version === 'null') store.deleteObject(bucket, key);
  });
  return { status: 204 };
};

export const deleteObjects: Operation = async (request, { store }) => {
  store.requireBucket(request.bucket);
  if (!hasIntegrityHeader(request)) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
  const root = parseXml(await receiveDocument(request, LARGEST_DOCUMENT), 'Delete');
  const quiet = root.text('Quiet') === 'true';
  const wanted = root.all('Object').map((node): Wanted => {
    const key = node.text('Key');
    if (key === null || key === '') throw new S3Error('MalformedXML');
    return { key, etag: node.text('ETag'), version: node.text('VersionId') };
  });
  if (wanted.length === 0 || wanted.length > MOST_KEYS) throw new S3Error('MalformedXML');
  const outcomes = await store.commit(() => wanted.map((one) => deleteOne(request, store, one)));
  const lines = outcomes.map(({ key, error }) => {
    if (error !== null) {
      const text = element('Key', key) + element('Code', error.code) + element('Message', error.message);
      return `<Error>${text}</Error>`;
    }
    return quiet ? '' : `<Deleted>${element('Key', key)}</Deleted>`;
  });
  return { status: 200, body: document('DeleteResult', lines.join('')) };
};

// Runs within a commit that other keys share, so it tells its error instead of throwing it.
function deleteOne(request: S3Request, store: ObjectStore, { key, etag, version }: Wanted): Outcome {
  const { bucket } = request;
  if (request.denied({ operation: 'DeleteObject', bucket, key })) return { key, error: new S3Error('AccessDenied') };
  if (Buffer.byteLength(key) > 1024) return { key, error: new S3Error('KeyTooLongError') };
  if (version !== null && version !== 'null') return { key, error: new S3Error('NoSuchVersion') };
  if (etag !== null) {
    const existing = store.object(bucket, key);
    if (existing === null) return { key, error: new S3Error('NoSuchKey') };
    if (!matches(etag, existing.etag)) return { key, error: new S3Error('PreconditionFailed') };
  }
  store.deleteObject(bucket, key);
  return { key, error: null };
}
