/** Sends requests to one bucket: counted, cancellable, their errors translated. */
import {
  type $Command,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
  type S3ClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import { RollcallError } from '../errors.ts';
import type { BucketIdentity, HeadedObject } from '../sync/bucket-port.ts';
import type { RequestCounts } from '../sync/types.ts';
import { attemptsOf, toRollcallError } from './errors.ts';
import { unquoted } from './etags.ts';
import { restoreOf } from './restore-header.ts';

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

/** A HEAD's answer; `encrypted`: with a key of KMS or the customer's, so that the ETag is no MD5. */
export interface Headed extends HeadedObject {
  readonly encrypted: boolean;
}

/** Told of each request, every retry by itself, with the HTTP status of its answer; null: there was no answer. */
export type OnRequest = (kind: Sending['kind'], status: number | null) => void;

export class BucketRequests {
  readonly identity: BucketIdentity;
  readonly #client: S3Client;
  readonly #onRequest: OnRequest | undefined;
  readonly #counts: RequestCounts = { head: 0, list: 0, get: 0, put: 0, copy: 0, delete: 0 };
  /** Some answer has shown that the bucket exists. */
  #bucketSeen = false;

  constructor(client: S3Client, identity: BucketIdentity, onRequest?: OnRequest) {
    this.#client = client;
    this.identity = identity;
    this.#onRequest = onRequest;
  }

  /** To the same bucket, for what is not to be counted here. */
  uncounted(): BucketRequests {
    return new BucketRequests(this.#client, this.identity, this.#onRequest);
  }

  /** Requests sent so far, retries included. */
  counts(): RequestCounts {
    return { ...this.#counts };
  }

  /** Sends one command; throws a RollcallError, or the signal's reason once it has aborted. */
  async send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: S3Command<Input, Output>,
    sending: Sending,
    signal: AbortSignal,
  ): Promise<Output> {
    signal.throwIfAborted();
    if (this.#onRequest !== undefined) tellOfAttempts(command, sending.kind, this.#onRequest);
    try {
      const output = await this.#client.send(command, { abortSignal: signal });
      this.#counts[sending.kind] += output.$metadata.attempts ?? 1;
      this.#bucketSeen = true;
      return output;
    } catch (thrown) {
      this.#counts[sending.kind] += attemptsOf(thrown);
      signal.throwIfAborted();
      const { kind: _, ...about } = sending;
      throw toRollcallError(thrown, { ...this.identity, ...about });
    }
  }

  /** An object's facts; null only if there is none. BUCKET_MISSING if the bucket itself is not there. */
  async head(key: string, signal: AbortSignal): Promise<Headed | null> {
    const { bucket } = this.identity;
    try {
      const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
      return headed(key, bucket, await this.send(command, { kind: 'head', doing: 'look at', key }, signal));
    } catch (error) {
      if (!(error instanceof RollcallError) || error.code !== 'OBJECT_MISSING') throw error;
    }
    // A HEAD's 404 has no body: it does not tell a missing object from a missing bucket.
    if (!this.#bucketSeen) await this.#seeBucket(signal);
    return null;
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

function statusOf(response: unknown): number | null {
  const { statusCode } = response as { readonly statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : null;
}

function headed(key: string, bucket: string, answer: HeadObjectCommandOutput): Headed {
  if (answer.ContentLength === undefined) {
    throw new RollcallError('OBJECT_UNAVAILABLE', `s3://${bucket}/${key}: the server does not say how large it is`);
  }
  const restore = restoreOf(answer.Restore);
  return {
    key,
    size: answer.ContentLength,
    etag: unquoted(answer.ETag),
    lastModifiedMs: answer.LastModified?.getTime() ?? 0,
    storageClass: answer.StorageClass ?? 'STANDARD',
    metadata: answer.Metadata ?? {},
    encrypted: isEncrypted(answer),
    ...(restore !== undefined && { restore }),
  };
}

/** Is the object of this answer encrypted with a key of KMS or the customer's, so that its ETag is no MD5? */
export function isEncrypted(answer: Pick<HeadObjectCommandOutput, 'ServerSideEncryption' | 'SSECustomerAlgorithm'>) {
  return answer.ServerSideEncryption?.startsWith('aws:kms') === true || answer.SSECustomerAlgorithm !== undefined;
}
