/** One S3 bucket as the engine's BucketPort. */
import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { asRollcallError, RollcallError } from '../errors.ts';
import type {
  BucketFeatures,
  BucketIdentity,
  BucketPort,
  CopiedObject,
  CopyRequest,
  DerivedObject,
  FetchedObject,
  HeadedObject,
  PresignOptions,
  RestoreRequest,
  UnfinishedUpload,
  UploadedObject,
  UploadRequest,
} from '../sync/bucket-port.ts';
import type { Inventory, Log, OpenFile } from '../sync/ports.ts';
import type { BucketObject, RequestCounts } from '../sync/types.ts';
import { BodyMemory } from './body-memory.ts';
import { type ComparedObject, type Comparison, compareContent } from './compare.ts';
import { copyWhole, WHOLE_COPY_LIMIT } from './copy.ts';
import { copyInParts } from './copy-parts.ts';
import { putDerived } from './derived.ts';
import { WHOLE_UPLOAD_LIMIT } from './etags.ts';
import { type FetchedVersion, fetchObject } from './fetch.ts';
import { Listing } from './listing.ts';
import { uploadInParts } from './multipart.ts';
import type { MultipartContext } from './parts.ts';
import { Presigner } from './presign.ts';
import { isSettled, NO_FEATURES, probeFeatures } from './probe.ts';
import { removeObject } from './remove.ts';
import { type Removal, removeObjects, type SeenVersion } from './remove-many.ts';
import { BucketRequests, type OnRequest } from './requests.ts';
import { restoreObject } from './restore.ts';
import { Slots } from './slots.ts';
import { abortUpload, lastPartAt, unfinishedUploads } from './unfinished.ts';
import { uploadWhole } from './upload.ts';

export interface S3ServiceOptions {
  /** Parts of large files under way at once, over all uploads of this service; 16 MiB each or more. */
  readonly partConcurrency: number;
  /** For the bytes of files that are read; left out: 96 MiB of its own. */
  readonly memory?: BodyMemory;
  /** Small requests under way at once where many objects are removed one by one; 10. */
  readonly checkConcurrency?: number;
  /** Bytes that one request copies at most; larger objects are copied in parts. 5 GiB, which is S3's limit. */
  readonly wholeCopyLimit?: number;
  readonly log?: Log;
  /** Told of each request as it is answered. */
  readonly onRequest?: OnRequest;
}

const CHECK_CONCURRENCY = 10;
const MEMORY_BYTES = 96 * 1024 * 1024;

/** Made for one run: `requests()` counts from its making. The client is shared and its owner closes it. */
export class S3Service implements BucketPort {
  readonly identity: BucketIdentity;
  readonly #requests: BucketRequests;
  readonly #presigner: Presigner;
  readonly #slots: Slots;
  readonly #memory: BodyMemory;
  readonly #checkConcurrency: number;
  readonly #wholeCopyLimit: number;
  readonly #log: Log | undefined;
  /** Before they are learnt nothing is relied on. */
  #features: BucketFeatures = NO_FEATURES;

  constructor(client: S3Client, identity: BucketIdentity, options: S3ServiceOptions) {
    this.identity = identity;
    this.#requests = new BucketRequests(client, identity, options.onRequest);
    this.#presigner = new Presigner(client, identity);
    this.#slots = new Slots(options.partConcurrency);
    this.#memory = options.memory ?? new BodyMemory(MEMORY_BYTES);
    this.#checkConcurrency = options.checkConcurrency ?? CHECK_CONCURRENCY;
    this.#wholeCopyLimit = options.wholeCopyLimit ?? WHOLE_COPY_LIMIT;
    this.#log = options.log;
  }

  async preflight(prefix: string, signal: AbortSignal): Promise<void> {
    // Not a HeadBucket: its refusals have no body that would tell a wrong key from a missing right.
    const list = new ListObjectsV2Command({ Bucket: this.identity.bucket, Prefix: prefix, MaxKeys: 1 });
    const answer = await this.#requests.send(list, { kind: 'list', doing: 'list' }, signal);
    if (answer.IsTruncated === undefined) {
      throw new RollcallError('BUCKET_UNREACHABLE', 'what answers is not S3; check S3_ENDPOINT');
    }
  }

  async learn(prefix: string, known: BucketFeatures | null, signal: AbortSignal): Promise<BucketFeatures> {
    if (known !== null && isSettled(known)) this.#features = known;
    else this.#features = await probeFeatures(this.#requests.uncounted(), prefix, this.#log, signal);
    return this.#features;
  }

  list(prefix: string, options: { readonly shallow: boolean }, signal: AbortSignal): Inventory<BucketObject> {
    return new Listing(this.#requests, prefix, options.shallow, signal);
  }

  head(key: string, signal: AbortSignal): Promise<HeadedObject | null> {
    return this.#requests.head(key, signal);
  }

  async objectExists(key: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#requests.head(key, signal)) !== null;
  }

  /**
   * Asks for many keys, at most `concurrency` at a time. The error of one key is its own answer and stops no other.
   * On abort it waits for what is under way, then throws the signal's reason.
   */
  async objectsExist(
    keys: Iterable<string>,
    concurrency: number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, boolean | RollcallError>> {
    const ask = async (key: string): Promise<boolean | RollcallError> => {
      try {
        return await this.objectExists(key, signal);
      } catch (error) {
        return asRollcallError(error);
      }
    };
    const answers = await pMap(keys, async (key) => [key, await ask(key)] as const, { concurrency });
    signal.throwIfAborted();
    return new Map(answers);
  }

  upload(request: UploadRequest, signal: AbortSignal): Promise<UploadedObject> {
    return request.file.facts.size > WHOLE_UPLOAD_LIMIT
      ? uploadInParts(this.#context(), request, signal)
      : uploadWhole(this.#context(), request, signal);
  }

  unfinishedUploads(prefix: string, signal: AbortSignal): AsyncIterable<readonly UnfinishedUpload[]> {
    return unfinishedUploads(this.#requests, prefix, signal);
  }

  lastPartAt(upload: UnfinishedUpload, signal: AbortSignal): Promise<number | null> {
    return lastPartAt(this.#requests, upload, signal);
  }

  abortUpload({ key, uploadId }: Pick<UnfinishedUpload, 'key' | 'uploadId'>, signal: AbortSignal): Promise<void> {
    return abortUpload(this.#requests, { Bucket: this.identity.bucket, Key: key, UploadId: uploadId }, signal);
  }

  putDerived(object: DerivedObject, signal: AbortSignal): Promise<{ readonly etag: string }> {
    return putDerived(this.#context(), object, signal);
  }

  presign(key: string, options: PresignOptions): Promise<string> {
    return this.#presigner.presign(key, options);
  }

  compare(
    file: OpenFile,
    object: ComparedObject,
    known: { readonly md5: string | null; readonly partSize: number | null },
    signal: AbortSignal,
  ): Promise<Comparison> {
    return compareContent(this.#context(), file, object, known, signal);
  }

  fetch(
    object: FetchedVersion,
    partSize: number | null,
    sink: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<FetchedObject> {
    return fetchObject(this.#requests, object, partSize, sink, signal);
  }

  copy(request: CopyRequest, signal: AbortSignal): Promise<CopiedObject> {
    return request.from.size > this.#wholeCopyLimit
      ? copyInParts({ ...this.#context(), wholeCopyLimit: this.#wholeCopyLimit }, request, signal)
      : copyWhole(this.#context(), request, signal);
  }

  remove(key: string, etag: string, signal: AbortSignal): Promise<'deleted' | 'missing' | 'changed'> {
    return removeObject(this.#context(), key, etag, signal);
  }

  removeMany(objects: readonly SeenVersion[], signal: AbortSignal): Promise<ReadonlyMap<string, Removal>> {
    return removeObjects({ ...this.#context(), checkConcurrency: this.#checkConcurrency }, objects, signal);
  }

  restore(key: string, request: RestoreRequest, signal: AbortSignal): Promise<'asked' | 'in progress' | 'readable'> {
    return restoreObject(this.#requests, key, request, signal);
  }

  requests(): RequestCounts {
    return this.#requests.counts();
  }

  retries(): number {
    return this.#requests.retries;
  }

  #context(): MultipartContext {
    const [requests, features, memory] = [this.#requests, this.#features, this.#memory];
    return { requests, features, memory, slots: this.#slots, log: this.#log };
  }
}
