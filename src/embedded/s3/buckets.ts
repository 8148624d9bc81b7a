/** Operations on buckets as a whole. */
import { S3Error } from './errors.ts';
import { OWNER } from './list-objects.ts';
import { receiveDocument } from './payload.ts';
import { wholeSeconds } from './put-object.ts';
import type { ObjectStore } from './store.ts';
import type { Operation } from './types.ts';
import { document, element, escapeXml, parseXml } from './xml.ts';

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Makes a bucket. Throws InvalidBucketName, BucketAlreadyOwnedByYou. */
export async function createBucketIn(store: ObjectStore, name: string, now: number): Promise<void> {
  if (!BUCKET_NAME.test(name) || name.includes('..') || /^[0-9.]+$/.test(name)) {
    throw new S3Error('InvalidBucketName', undefined, { BucketName: name });
  }
  await store.commit(() => {
    if (store.bucket(name) !== null) throw new S3Error('BucketAlreadyOwnedByYou', undefined, { BucketName: name });
    store.insertBucket(name, wholeSeconds(now));
  });
}

export const createBucket: Operation = async (request, { store, region }) => {
  const length = request.headers.get('content-length') ?? '0';
  if (length !== '0' || request.payload.kind === 'chunked') {
    const root = parseXml(await receiveDocument(request, 64 * 1024), 'CreateBucketConfiguration');
    const wanted = root.text('LocationConstraint');
    if (wanted !== null && wanted !== '' && wanted !== region) {
      throw new S3Error(
        'InvalidArgument',
        `The ${wanted} location constraint is incompatible with this server's region ${region}.`,
      );
    }
  }
  await createBucketIn(store, request.bucket, request.now);
  return { status: 200, headers: { location: `/${request.bucket}` } };
};

export const headBucket: Operation = (request, { store, region }) => {
  store.requireBucket(request.bucket);
  return { status: 200, headers: { 'x-amz-bucket-region': region } };
};

export const deleteBucket: Operation = async (request, { store }) => {
  await store.commit(() => store.deleteBucket(request.bucket));
  return { status: 204 };
};

export const listBuckets: Operation = (_request, { store }) => {
  const buckets = store.buckets().map(({ name, createdMs }) => {
    const created = element('CreationDate', new Date(createdMs).toISOString());
    return `<Bucket>${element('Name', name)}${created}</Bucket>`;
  });
  return { status: 200, body: document('ListAllMyBucketsResult', `${OWNER}<Buckets>${buckets.join('')}</Buckets>`) };
};

export const getBucketLocation: Operation = (request, { store, region }) => {
  store.requireBucket(request.bucket);
  // us-east-1 has always been the empty one.
  return { status: 200, body: document('LocationConstraint', region === 'us-east-1' ? '' : escapeXml(region)) };
};

/** Never versioned, which AWS tells by an empty answer. */
export const getBucketVersioning: Operation = (request, { store }) => {
  store.requireBucket(request.bucket);
  return { status: 200, body: document('VersioningConfiguration', '') };
};
