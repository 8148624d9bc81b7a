/** Which operation of S3's API a request means. */
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
} from './buckets.ts';
import { completeMultipartUpload } from './complete-upload.ts';
import { copyObject } from './copy-object.ts';
import { deleteObject, deleteObjects } from './delete-objects.ts';
import { S3Error, type S3ErrorCode } from './errors.ts';
import { getObject, headObject } from './get-object.ts';
import { listObjects, listObjectsV2 } from './list-objects.ts';
import { abortMultipartUpload, createMultipartUpload, listMultipartUploads, listParts } from './multipart.ts';
import { getBucketAcl, getObjectAcl, getObjectAttributes, getObjectTagging } from './object-attributes.ts';
import { putObject } from './put-object.ts';
import { restoreObject } from './restore-object.ts';
import type { Operation, RequestHead } from './types.ts';
import { uploadPart, uploadPartCopy } from './upload-part.ts';

export interface NamedOperation {
  readonly name: string;
  readonly run: Operation;
}

type Table = Readonly<Record<string, NamedOperation>>;

/** By method and subresource, for the service, a bucket and an object. */
const SERVICE: Table = { GET: { name: 'ListBuckets', run: listBuckets } };
const BUCKET: Table = {
  PUT: { name: 'CreateBucket', run: createBucket },
  HEAD: { name: 'HeadBucket', run: headBucket },
  DELETE: { name: 'DeleteBucket', run: deleteBucket },
  GET: { name: 'ListObjects', run: listObjects },
  'GET list-type=2': { name: 'ListObjectsV2', run: listObjectsV2 },
  'GET location': { name: 'GetBucketLocation', run: getBucketLocation },
  'GET versioning': { name: 'GetBucketVersioning', run: getBucketVersioning },
  'GET acl': { name: 'GetBucketAcl', run: getBucketAcl },
  'GET uploads': { name: 'ListMultipartUploads', run: listMultipartUploads },
  'POST delete': { name: 'DeleteObjects', run: deleteObjects },
};
const OBJECT: Table = {
  PUT: { name: 'PutObject', run: putObject },
  GET: { name: 'GetObject', run: getObject },
  HEAD: { name: 'HeadObject', run: headObject },
  DELETE: { name: 'DeleteObject', run: deleteObject },
  'PUT copy': { name: 'CopyObject', run: copyObject },
  'GET partNumber': { name: 'GetObject', run: getObject },
  'HEAD partNumber': { name: 'HeadObject', run: headObject },
  'GET acl': { name: 'GetObjectAcl', run: getObjectAcl },
  'GET tagging': { name: 'GetObjectTagging', run: getObjectTagging },
  'GET attributes': { name: 'GetObjectAttributes', run: getObjectAttributes },
  'POST restore': { name: 'RestoreObject', run: restoreObject },
  'POST uploads': { name: 'CreateMultipartUpload', run: createMultipartUpload },
  'POST uploadId': { name: 'CompleteMultipartUpload', run: completeMultipartUpload },
  'GET uploadId': { name: 'ListParts', run: listParts },
  'DELETE uploadId': { name: 'AbortMultipartUpload', run: abortMultipartUpload },
  'PUT partNumber uploadId': { name: 'UploadPart', run: uploadPart },
  'PUT partNumber uploadId copy': { name: 'UploadPartCopy', run: uploadPartCopy },
};

/** Parameters that turn a request into another operation; all others only refine one. */
const SUBRESOURCES = [
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'inventory',
  'intelligent-tiering',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'metadataConfiguration',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'partNumber',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'renameObject',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'session',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versioning',
  'versions',
  'website',
];

/** What a bucket without a configuration of the kind answers; there is no way to give it one. */
const UNCONFIGURED: Readonly<Record<string, S3ErrorCode>> = {
  cors: 'NoSuchCORSConfiguration',
  encryption: 'ServerSideEncryptionConfigurationNotFoundError',
  lifecycle: 'NoSuchLifecycleConfiguration',
  'object-lock': 'ObjectLockConfigurationNotFoundError',
  ownershipControls: 'OwnershipControlsNotFoundError',
  policy: 'NoSuchBucketPolicy',
  publicAccessBlock: 'NoSuchPublicAccessBlockConfiguration',
  replication: 'ReplicationConfigurationNotFoundError',
  tagging: 'NoSuchTagSet',
  website: 'NoSuchWebsiteConfiguration',
};

/** Throws NotImplemented, MethodNotAllowed. */
export function resolveOperation(head: RequestHead): NamedOperation {
  const { method, bucket, key, query } = head;
  const table = bucket === '' ? SERVICE : key === '' ? BUCKET : OBJECT;
  const parts = SUBRESOURCES.filter((name) => query.has(name));
  if (query.get('list-type') === '2' && key === '' && parts.length === 0) parts.push('list-type=2');
  if (method === 'PUT' && table === OBJECT && head.headers.has('x-amz-copy-source')) parts.push('copy');
  const name = [method, ...parts].join(' ');
  const operation = table[name];
  if (operation !== undefined) return operation;
  const missing = UNCONFIGURED[parts.join(' ')];
  if (method === 'GET' && table === BUCKET && missing !== undefined) {
    return { name: 'GetBucketConfiguration', run: unconfigured(missing) };
  }
  if (parts.length === 0) throw new S3Error('MethodNotAllowed', undefined, { Method: method });
  throw new S3Error('NotImplemented', undefined, { Header: parts.join(' ') });
}

function unconfigured(code: S3ErrorCode): Operation {
  return (request, { store }) => {
    store.requireBucket(request.bucket);
    throw new S3Error(code, undefined, { BucketName: request.bucket });
  };
}
