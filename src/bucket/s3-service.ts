/** One S3 bucket as the engine's BucketPort. */
import { DeleteObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { asRollcallError, RollcallError } from '../errors.ts';
import type {
  BucketFeatures,
  BucketIdentity,
  BucketPort,
  FetchedObject,
  HeadedObject,
  Inventory,
  Log,
  OpenFile,
  UploadedObject,
  UploadRequest,
} from '../sync/ports.ts';
import type { BucketObject, RequestCounts } from '../sync/types.ts';
import { type ComparedObject, type Comparison, compareContent } from './compare.ts';
import { sameEtag, WHOLE_UPLOAD_LIMIT } from './etags.ts';
import { type FetchedVersion, fetchObject } from './fetch.ts';
import { Listing } from './listing.ts';
import { uploadInParts } from './multipart.ts';
import { NO_FEATURES, nothingHonoured, probeFeatures } from './probe.ts';
import { BucketRequests } from './requests.ts';
import { Slots } from './slots.ts';
import { uploadWhole } from './upload.ts';

export interface S3ServiceOptions {
  /** Parts of large files in memory and under way at once, over all uploads of this service; 16 MiB each or more. */
  readonly partConcurrency: number;
  readonly log?: Log;
}

/** Made for one run: `requests()` counts from its making. The client is shared and its owner closes it. */
export class S3Service implements BucketPort {
  readonly identity: BucketIdentity;
  readonly #requests: BucketRequests;
  readonly #slots: Slots;
  readonly #log: Log | undefined;
  /** Before they are learnt nothing is relied on. */
  #features: BucketFeatures = NO_FEATURES;

  constructor(client: S3Client, identity: BucketIdentity, options: S3ServiceOptions) {
    this.identity = identity;
    this.#requests = new BucketRequests(client, identity);
    this.#slots = new Slots(options.partConcurrency);
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
    // Where the probe was denied the last time, rights may have been given since.
    const settled = known !== null && !nothingHonoured(known);
    if (settled) this.#features = known;
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
    const context = { requests: this.#requests, features: this.#features, slots: this.#slots, log: this.#log };
    return request.file.facts.size > WHOLE_UPLOAD_LIMIT
      ? uploadInParts(context, request, signal)
      : uploadWhole(context, request, signal);
  }

  compare(
    file: OpenFile,
    object: ComparedObject,
    known: { readonly md5: string | null; readonly partSize: number | null },
    signal: AbortSignal,
  ): Promise<Comparison> {
    // A recorded MD5 is no proof of what the file holds now, so the file is read all the same.
    return compareContent(this.#requests, file, object, known.partSize, signal);
  }

  fetch(
    object: FetchedVersion,
    partSize: number | null,
    sink: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<FetchedObject> {
    return fetchObject(this.#requests, object, partSize, sink, signal);
  }

  async remove(key: string, etag: string, signal: AbortSignal): Promise<'deleted' | 'missing' | 'changed'> {
    const found = await this.#requests.head(key, signal);
    if (found === null) return 'missing';
    if (!sameEtag(found.etag, etag)) return 'changed';
    const refused = await this.#delete(key, etag, signal);

    const left = await this.#requests.head(key, signal);
    if (left === null) return 'deleted';
    if (!sameEtag(left.etag, etag)) return 'changed';
    const why = refused?.message ?? 'it is still there';
    throw new RollcallError('OBJECT_UNVERIFIED', `s3://${this.identity.bucket}/${key} was not removed: ${why}`);
  }

  /** Answers the refusal of a condition instead of throwing it: what is there now tells what it means. */
  async #delete(key: string, etag: string, signal: AbortSignal): Promise<RollcallError | null> {
    const command = new DeleteObjectCommand({
      Bucket: this.identity.bucket,
      Key: key,
      ...(this.#features.deleteOnly && { IfMatch: `"${etag}"` }),
    });
    try {
      await this.#requests.send(command, { kind: 'delete', doing: 'remove', key }, signal);
      return null;
    } catch (error) {
      const refusal = asRollcallError(error);
      if (refusal.code !== 'OBJECT_PRECONDITION' && refusal.code !== 'OBJECT_MISSING') throw error;
      return refusal;
    }
  }

  requests(): RequestCounts {
    return this.#requests.counts();
  }
}
