/** Sends requests to one bucket: counted, cancellable, their errors translated. */
import { Readable } from 'node:stream';
import {
  type $Command,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  type S3Client,
  type S3ClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import { RollcallError } from '../errors.ts';
import type { BucketIdentity } from '../sync/bucket-port.ts';
import type { RequestCounts } from '../sync/types.ts';
import type { Addressed } from './address.ts';
import { attemptsOf, S3Failure, toRollcallError } from './errors.ts';
import { type Headed, headed, headOf } from './head-answer.ts';
import { type ShortAnswer, type ShortRequest, ShortWay } from './short-way.ts';

type S3Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = $Command<
  Input,
  Output,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

/** What a request is billed as, and what it is about. Without a key it concerns the bucket as a whole. */
export interface Sending {
  readonly kind: keyof RequestCounts;
  readonly doing: string;
  readonly key?: string;
  /** What the credentials need for it, where it is not about one key. */
  readonly right?: string;
}

/** Answers that need no words to be understood. */
const PLAIN: ReadonlySet<number> = new Set([200, 404, 412]);
const REQUEST_ID = 'x-amz-request-id';

/** Told of each request, every retry by itself, with the HTTP status of its answer; null: there was no answer. */
export type OnRequest = (kind: Sending['kind'], status: number | null) => void;

export class BucketRequests {
  readonly identity: BucketIdentity;
  readonly #client: S3Client;
  readonly #onRequest: OnRequest | undefined;
  readonly #shortWay: ShortWay;
  readonly #counts: RequestCounts = { head: 0, list: 0, get: 0, put: 0, copy: 0, delete: 0 };
  /** The ETag of something written here was its MD5: here one that is not tells other bytes. */
  makesMd5s = false;
  #retries = 0;
  /** Some answer has shown that the bucket exists. */
  #bucketSeen = false;
  /** What this server answers bears a request id; what something in front of it answers while it restarts does not. */
  #bearsIds = false;

  constructor(client: S3Client, identity: BucketIdentity, onRequest?: OnRequest) {
    this.#client = client;
    this.identity = identity;
    this.#onRequest = onRequest;
    this.#shortWay = new ShortWay(client);
  }

  /** To the same bucket, for what is not to be counted here. */
  uncounted(): BucketRequests {
    return new BucketRequests(this.#client, this.identity, this.#onRequest);
  }

  /** Requests sent so far, retries included. */
  counts(): RequestCounts {
    return { ...this.#counts };
  }

  /** How many of them were sent because one had failed. */
  get retries(): number {
    return this.#retries;
  }

  /** The next request is sent because an answer broke off. */
  noteRetry(): void {
    this.#retries += 1;
  }

  #count(kind: Sending['kind'], attempts: number): void {
    this.#counts[kind] += attempts;
    this.#retries += Math.max(0, attempts - 1);
  }

  /** Sends one command; throws a RollcallError, or the signal's reason once it has aborted. */
  async send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: S3Command<Input, Output>,
    sending: Sending,
    signal: AbortSignal,
  ): Promise<Output> {
    signal.throwIfAborted();
    if (this.#onRequest !== undefined) tellOfAttempts(command, sending.kind, this.#onRequest);
    if (!this.#shortWay.isKnown) learnFrom(command, this.#shortWay);
    try {
      const output = await this.#client.send(command, { abortSignal: signal });
      this.#count(sending.kind, output.$metadata.attempts ?? 1);
      this.#bucketSeen = true;
      this.#bearsIds ||= output.$metadata.requestId !== undefined;
      return output;
    } catch (thrown) {
      this.#count(sending.kind, attemptsOf(thrown));
      signal.throwIfAborted();
      const { kind: _, ...about } = sending;
      throw toRollcallError(thrown, { ...this.identity, ...about });
    }
  }

  /**
   * The same without most of the SDK (short-way.ts): success (200), a missing object (404) or a refused condition (412).
   * Null for all else, and when the short way is closed: `send` is the way then.
   */
  async sendShort(request: ShortRequest, kind: Sending['kind'], signal: AbortSignal): Promise<ShortAnswer | null> {
    signal.throwIfAborted();
    if (!this.#shortWay.open) return null;
    this.#counts[kind] += 1;
    const answer = await this.#shortWay.send(request, signal);
    this.#onRequest?.(kind, answer?.status ?? null);
    const hasId = answer?.headers[REQUEST_ID] !== undefined;
    if (answer?.status === 200) {
      this.#bucketSeen = true;
      this.#bearsIds ||= hasId;
    } else if (answer?.status === 404 && !this.#bucketSeen) return null;
    const isForeign = answer?.status === 404 && this.#bearsIds && !hasId;
    if (answer !== null && PLAIN.has(answer.status) && !isForeign) return answer;
    this.noteRetry();
    return null;
  }

  /** An object's facts; null only if there is none. BUCKET_MISSING if the bucket itself is not there. */
  async head(key: string, signal: AbortSignal): Promise<Headed | null> {
    const { bucket } = this.identity;
    const short = await this.sendShort({ method: 'HEAD', key }, 'head', signal);
    if (short?.status === 404) return null;
    const told = short?.status === 200 ? headOf(short.headers) : null;
    if (told !== null) return headed(key, bucket, told);
    if (short !== null) this.noteRetry();
    let missing: S3Failure;
    try {
      const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
      return headed(key, bucket, await this.send(command, { kind: 'head', doing: 'look at', key }, signal));
    } catch (error) {
      missing = missingOf(error);
    }
    // A HEAD's 404 has no body: it does not tell a missing object from a missing bucket.
    if (!this.#bucketSeen) await this.#seeBucket(signal);
    if (this.#bearsIds && missing.requestId === null) await this.#proveMissing(key, signal);
    return null;
  }

  /** A 404 that may be another's than the server's: only a GET's says in its body that it is the object that is missing. */
  async #proveMissing(key: string, signal: AbortSignal): Promise<void> {
    const { bucket } = this.identity;
    const command = new GetObjectCommand({ Bucket: bucket, Key: key, Range: 'bytes=0-0' });
    try {
      const { Body: body } = await this.send(command, { kind: 'get', doing: 'look at', key }, signal);
      if (body instanceof Readable) body.destroy();
    } catch (error) {
      if (missingOf(error).name === 'NoSuchKey') return;
    }
    const why = 'a 404 came that is not of the server itself; the next run tries again';
    throw new RollcallError('OBJECT_UNAVAILABLE', `cannot look at s3://${bucket}/${key}: ${why}`);
  }

  async #seeBucket(signal: AbortSignal): Promise<void> {
    const command = new HeadBucketCommand({ Bucket: this.identity.bucket });
    try {
      await this.send(command, { kind: 'head', doing: 'find' }, signal);
    } catch (error) {
      // Credentials that may read objects may still be denied this; a bucket that denies it is there.
      if (!(error instanceof RollcallError) || error.code !== 'BUCKET_DENIED') throw error;
      this.#bucketSeen = true;
    }
  }
}

/** The answer that the object is missing; throws what is any other. */
function missingOf(error: unknown): S3Failure {
  const isMissing = error instanceof RollcallError && error.code === 'OBJECT_MISSING';
  if (isMissing && error.cause instanceof S3Failure) return error.cause;
  throw error;
}

/** Next to the wire, below the SDK's retries and before it reads the answer. */
function tellOfAttempts<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  { middlewareStack }: S3Command<Input, Output>,
  kind: Sending['kind'],
  onRequest: OnRequest,
): void {
  middlewareStack.add(
    (next) => async (args) => {
      let status: number | null = null;
      try {
        const answer = await next(args);
        status = statusOf(answer.response);
        return answer;
      } finally {
        onRequest(kind, status);
      }
    },
    { step: 'deserialize', priority: 'low', name: 'tellOfAttempts', override: true },
  );
}

/**
 * Has the short way learn where this leads, once it was answered: by its own key, which of a copy is the target's, or by
 * its bucket, which a listing asks for.
 */
function learnFrom<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  { input, middlewareStack }: S3Command<Input, Output>,
  shortWay: ShortWay,
): void {
  const about = addressed(input);
  if (about === null) return;
  middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const status = statusOf(answer.response);
      if (status === 200 || (status === 404 && 'key' in about)) shortWay.learn(args.request, about);
      return answer;
    },
    { step: 'deserialize', priority: 'low', name: 'learnShortWay', override: true },
  );
}

function addressed(input: ServiceInputTypes): Addressed | null {
  const { Key: key, Bucket: bucket } = input as { readonly Key?: unknown; readonly Bucket?: unknown };
  if (typeof key === 'string') return { key };
  return typeof bucket === 'string' ? { bucket } : null;
}

function statusOf(response: unknown): number | null {
  const { statusCode } = response as { readonly statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : null;
}
