/**
 * What the S3 contract suite (test/contract/s3-server*.test.ts) runs against.
 *
 * With nothing set that is the embedded server, which must have every capability below. For another server:
 *
 *     CONTRACT_S3_ENDPOINT=http://127.0.0.1:7480 AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… \
 *     CONTRACT_S3_LACKS=comma,list npx vitest run test/contract/s3-server
 *
 * AWS_REGION is us-east-1 when it is not set. The user must be allowed to make and remove buckets: each test file
 * makes its own and removes it with all that is in it. A test of a capability that the server is said to lack is
 * skipped, with that capability in its title.
 *
 * Ceph RGW 16.2.15 wants this list in one line (measured in November 2026: without it, each of these fails there):
 *
 *     bucket-region,metadata-names,metadata-limit,error-messages,key-too-long,malformed-xml,delete-md5,
 *     object-attributes,checksums,trailers,strict-chunks,if-match-quoted,if-match-missing,if-match-races,
 *     if-match-any,conditional-delete,conditional-complete,copy-conditions,copy-if-none-match,result-etags,
 *     odd-ranges,part-reads,strict-multipart,restore,clock,region,unsigned-headers,presign-limits,listing-arguments,
 *     long-delimiters,encoded-markers,upload-delimiter
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { afterAll, beforeAll, test } from 'vitest';
import { pathOf, RawS3, type S3Target } from './contract-s3-http.ts';
import { removeBucket, startTestS3 } from './s3.ts';

/** What a server may lack, each with what it means to have it. */
export const CAPABILITIES = {
  'bucket-region': 'HEAD of a bucket tells its region',
  'metadata-names': 'an underscore in the name of user metadata is kept',
  'metadata-limit': 'user metadata beyond 2 KB is refused',
  'error-messages': 'error documents carry a message',
  'key-too-long': 'a key over 1,024 bytes is named KeyTooLongError',
  'malformed-xml': 'a body that cannot be read is named MalformedXML',
  'delete-md5': 'the Content-MD5 of DeleteObjects is verified',
  'object-attributes': 'GetObjectAttributes',
  checksums: 'x-amz-checksum-* is verified, kept and told',
  trailers: 'aws-chunked bodies may end in a checksum trailer',
  'strict-chunks': 'aws-chunked bodies may be empty, must be complete, and a wrong signature is named',
  'if-match-quoted': 'If-Match of a PUT takes an ETag in its quotes',
  'if-match-missing': 'If-Match of a PUT on a missing key is named NoSuchKey',
  'if-match-races': 'those that lose a race of If-Match are told 412 or 409',
  'if-match-any': 'If-Match: * of a GET and a HEAD',
  'conditional-delete': 'If-Match of DELETE, and an ETag for each key of DeleteObjects',
  'conditional-complete': 'If-None-Match and If-Match of CompleteMultipartUpload',
  'copy-conditions': 'x-amz-copy-source-if-* that fail are refused',
  'copy-if-none-match': 'If-None-Match and If-Match of CopyObject on its target',
  'result-etags': 'CopyObject and CompleteMultipartUpload answer a quoted ETag',
  'odd-ranges': 'a Range that makes no sense is ignored',
  'part-reads': 'partNumber of a GET and a HEAD',
  'strict-multipart': 'part order, part numbers and the choice of parts are checked; a missing upload is named',
  restore: 'objects in GLACIER and DEEP_ARCHIVE must be restored, by RestoreObject, before they are read',
  clock: 'the suite can move the clock of the server',
  region: 'a signature for another region is refused',
  'unsigned-headers': 'an x-amz header that is not signed is refused',
  'presign-limits': 'a presigned address is good for a week at most',
  'listing-arguments': 'max-keys, continuation tokens and encoding types that make no sense are refused',
  'long-delimiters': 'delimiters of more than one byte',
  'encoded-markers': 'NextMarker is URL-encoded when encoding-type=url asks for it',
  'upload-delimiter': 'ListMultipartUploads folds keys at a delimiter',
} as const;

export type Capability = keyof typeof CAPABILITIES;

/** How long the embedded server takes to restore: longer than a test, shorter than a clock may be off. */
export const RESTORE_MS = 60_000;

const LACKS = readLacks();

/** For a test that asks less of a server that lacks something, where another test asks for it. */
export const lacks = (capability: Capability): boolean => LACKS.has(capability);

/** The test function for what only servers with these capabilities do. */
export function needs(...capabilities: Capability[]): (title: string, body: () => Promise<void>) => void {
  const lacking = capabilities.filter(lacks);
  if (lacking.length === 0) return test;
  return (title, body) => test.skip(`${title} (the server lacks ${lacking.join(', ')})`, body);
}

function readLacks(): ReadonlySet<string> {
  const names = (process.env['CONTRACT_S3_LACKS'] ?? '').split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !Object.hasOwn(CAPABILITIES, name));
  if (unknown.length > 0) throw new Error(`CONTRACT_S3_LACKS names no capability: ${unknown.join(', ')}`);
  if (names.length > 0 && process.env['CONTRACT_S3_ENDPOINT'] === undefined) {
    throw new Error('CONTRACT_S3_LACKS is for CONTRACT_S3_ENDPOINT: the embedded server lacks nothing');
  }
  return new Set(names);
}

/** The server under test and a bucket of this file's own. Only to be used inside tests and hooks. */
export class ContractS3 {
  readonly target: S3Target;
  /** Sends no checksums of its own accord and does not retry, so that every fault shows. */
  readonly client: S3Client;
  readonly raw: RawS3;
  readonly bucket: string;
  /** Moves the clock of a server that has one to move (`clock`); others do not notice. */
  readonly passTime: (milliseconds: number) => void;
  readonly #buckets: string[] = [];
  readonly #clients: S3Client[] = [];

  constructor({ target, passTime }: ServerUnderTest) {
    this.target = target;
    this.passTime = passTime;
    this.client = this.clientWith({
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    this.raw = new RawS3(target);
    this.bucket = bucketName();
  }

  /** A client of the same server, by default as the SDK sets itself up; closed at the end. */
  clientWith(config: S3ClientConfig): S3Client {
    const { endpoint, region, accessKeyId, secretAccessKey } = this.target;
    const credentials = { accessKeyId, secretAccessKey };
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1, ...config });
    this.#clients.push(client);
    return client;
  }

  /** A further bucket, removed at the end with what is in it. */
  async makeBucket(name: string = bucketName()): Promise<string> {
    await this.client.send(new CreateBucketCommand({ Bucket: name }));
    this.#buckets.push(name);
    return name;
  }

  /** Stores an object and answers its ETag as the server gave it. */
  async put(key: string, body: Uint8Array | string = '', more: Partial<PutObjectCommandInput> = {}): Promise<string> {
    const put = new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: Buffer.from(body), ...more });
    return (await this.client.send(put)).ETag ?? '';
  }

  /** Stores many small objects, quickly. */
  async putAll(keys: readonly string[], body = 'x'): Promise<void> {
    const store = async (key: string): Promise<void> => {
      const answer = await this.raw.send({ method: 'PUT', path: pathOf(this.bucket, key), body });
      if (answer.status !== 200) throw new Error(`PUT ${JSON.stringify(key)} answered ${answer.status} ${answer.code}`);
    };
    await pMap(keys, store, { concurrency: 24 });
  }

  /** The bytes of an object; an empty buffer for an empty one. */
  async read(key: string, client = this.client): Promise<Buffer> {
    const answer = await client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
  }

  /** Every key of the bucket under a prefix, in the order the server lists them. */
  async keys(prefix = '', bucket = this.bucket): Promise<string[]> {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const list = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token });
      const page = await this.client.send(list);
      keys.push(...(page.Contents ?? []).map((entry) => entry.Key ?? ''));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return keys;
  }

  async close(): Promise<void> {
    for (const bucket of this.#buckets) await removeBucket(this.client, bucket);
    for (const client of this.#clients) client.destroy();
    this.raw.close();
  }
}

/** Starts or finds the server before the file's tests and leaves nothing after them. */
export function contractS3(): () => ContractS3 {
  let s3: ContractS3 | undefined;
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    const started = await findServer();
    stop = started.close;
    s3 = new ContractS3(started);
    await s3.makeBucket(s3.bucket);
  });
  afterAll(async () => {
    try {
      await s3?.close();
    } finally {
      await stop?.();
    }
  });
  return () => {
    if (s3 === undefined) throw new Error('the server under test is there only inside tests and hooks');
    return s3;
  };
}

interface ServerUnderTest {
  readonly target: S3Target;
  /** Moves the server's clock forward, or back. */
  readonly passTime: (milliseconds: number) => void;
  readonly close: () => Promise<void>;
}

async function findServer(): Promise<ServerUnderTest> {
  const env = process.env;
  const endpoint = env['CONTRACT_S3_ENDPOINT'];
  if (endpoint === undefined) return startEmbedded();
  const [accessKeyId, secretAccessKey] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error('CONTRACT_S3_ENDPOINT needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  }
  const target = { endpoint, region: env['AWS_REGION'] ?? 'us-east-1', accessKeyId, secretAccessKey };
  return { target, passTime: () => {}, close: async () => {} };
}

async function startEmbedded(): Promise<ServerUnderTest> {
  let ahead = 0;
  const { close, ...target } = await startTestS3({
    clock: () => Date.now() + ahead,
    restoreDelayMs: { Standard: RESTORE_MS, Bulk: RESTORE_MS },
  });
  const passTime = (milliseconds: number): void => {
    ahead += milliseconds;
  };
  return { target, passTime, close };
}

/** A name that no other run and no other file has. */
export const bucketName = (): string => `rollcall-contract-${randomBytes(8).toString('hex')}`;

export const md5 = (data: Uint8Array | string): string => createHash('md5').update(data).digest('hex');

/** The ETag of an object whose bytes were put in one piece. */
export const etagOf = (data: Uint8Array | string): string => `"${md5(data)}"`;

/** By UTF-8 bytes, the order of every S3 listing; `<` on strings compares UTF-16 units and puts an emoji before U+FF01. */
export const byteOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What an SDK call failed with; an Error when it did not fail, or not by an answer of the server. */
export async function failureOf(work: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof S3ServiceException) return { name: error.name, status: error.$metadata.httpStatusCode };
    throw error;
  }
  throw new Error('the call went through, but should have failed');
}
