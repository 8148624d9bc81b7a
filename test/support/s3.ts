/** A fresh S3 endpoint in this process for one test file. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { type S3Server, type S3ServerOptions, startS3Server } from '../../src/embedded/s3/server.ts';

/** A bucket on some server. */
export interface TestBucket {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Created, empty, and of this test's own. */
  readonly bucket: string;
  /** Path style, checksums only where they are required. */
  readonly client: S3Client;
  /** Of the embedded server: where its data are. */
  readonly dir?: string;
  close(): Promise<void>;
}

export interface TestS3 extends TestBucket {
  readonly server: S3Server;
  readonly dir: string;
}

const REGION = 'us-east-1';
const ACCESS_KEY_ID = 'rollcall-test';
const SECRET_ACCESS_KEY = 'rollcall-test-secret';

/** Starts one on a port of its own with its data in a temporary folder; `close` takes both away. */
export async function startTestS3(options: Partial<S3ServerOptions> = {}): Promise<TestS3> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-s3-'));
  const accessKeyId = options.accessKeyId ?? ACCESS_KEY_ID;
  const secretAccessKey = options.secretAccessKey ?? SECRET_ACCESS_KEY;
  const region = options.region ?? REGION;
  const server = await startS3Server({
    dataDir: dir,
    port: 0,
    durable: false,
    ...options,
    accessKeyId,
    secretAccessKey,
    region,
  });
  const bucket = `test-${randomBytes(6).toString('hex')}`;
  await server.createBucket(bucket);
  const client = testClient({ endpoint: server.endpoint, region, accessKeyId, secretAccessKey });
  return {
    endpoint: server.endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    bucket,
    client,
    server,
    dir,
    async close() {
      client.destroy();
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A client such as the program's own: path style, checksums only where they are required, no retries. */
export function testClient(where: {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Milliseconds that the server's clock is ahead of this machine's. */
  readonly clockOffsetMs?: number;
}): S3Client {
  return new S3Client({
    endpoint: where.endpoint,
    region: where.region,
    credentials: { accessKeyId: where.accessKeyId, secretAccessKey: where.secretAccessKey },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    systemClockOffset: where.clockOffsetMs ?? 0,
  });
}

/** A bucket on the server of CONTRACT_S3_ENDPOINT, as the contract suite has it; of the embedded server without it. */
export async function openTestBucket(): Promise<TestBucket> {
  const env = process.env;
  const endpoint = env['CONTRACT_S3_ENDPOINT'];
  if (endpoint === undefined) return startTestS3();
  const [accessKeyId = '', secretAccessKey = ''] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  const where = { endpoint, region: env['AWS_REGION'] ?? REGION, accessKeyId, secretAccessKey };
  const client = testClient(where);
  const bucket = `rollcall-test-${randomBytes(8).toString('hex')}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    ...where,
    bucket,
    client,
    async close() {
      await removeBucket(client, bucket);
      client.destroy();
    },
  };
}

/** With all that is in it. */
export async function removeBucket(client: S3Client, Bucket: string): Promise<void> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads) {
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }
  for (;;) {
    // Encoded, since a key may hold what XML cannot.
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, EncodingType: 'url' }));
    if (Contents.length === 0) break;
    const Objects = Contents.map((entry) => ({ Key: decodeKey(entry.Key ?? '') }));
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
  }
  await client.send(new DeleteBucketCommand({ Bucket }));
}

/** A key as `encoding-type=url` writes it: percent-encoded, where AWS writes a space as `+`. */
export const decodeKey = (encoded: string): string => decodeURIComponent(encoded.replaceAll('+', '%20'));
