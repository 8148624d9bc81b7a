/** Removes many objects with a few requests, each only in the version that was seen. */
import { createHash } from 'node:crypto';
import {
  DeleteObjectsCommand,
  type DeleteObjectsCommandOutput,
  type _Error as DeletionError,
} from '@aws-sdk/client-s3';
import { HttpRequest } from '@smithy/core/protocols';
import pMap from 'p-map';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { WriteContext } from './conditions.ts';
import { answeredError, S3Failure } from './errors.ts';
import { inForm, sameEtag } from './etags.ts';
import { removeObject } from './remove.ts';
import type { BucketRequests } from './requests.ts';

export interface RemoveContext extends WriteContext {
  /** Requests under way at once where objects are looked at, or removed, one by one. */
  readonly checkConcurrency: number;
}

export interface SeenVersion {
  readonly key: string;
  readonly etag: string;
}

export type Removal = 'deleted' | 'changed' | RollcallError;

/** What one DeleteObjects takes. */
const MOST_KEYS = 1000;
const SDK_CHECKSUM = /^x-amz-(?:sdk-)?checksum-/i;
/** What XML 1.0 can carry. A key with any other character is removed by itself: a server might read it as another's. */
const FITS_XML = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** See BucketPort.removeMany for what it promises. Once the bucket fails as a whole, the rest is not asked for. */
export async function removeObjects(
  context: RemoveContext,
  objects: readonly SeenVersion[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Removal>> {
  const removing = new Removing(context, signal);
  for (let start = 0; start < objects.length; start += MOST_KEYS) {
    await removing.remove(objects.slice(start, start + MOST_KEYS));
  }
  signal.throwIfAborted();
  return removing.answers;
}

class Removing {
  readonly answers = new Map<string, Removal>();
  readonly #context: RemoveContext;
  readonly #signal: AbortSignal;
  /** Why no request can succeed, once that is known. */
  #bucketFailure: RollcallError | null = null;

  constructor(context: RemoveContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  async remove(objects: readonly SeenVersion[]): Promise<void> {
    const together = objects.filter(({ key }) => FITS_XML.test(key));
    const alone = objects.filter(({ key }) => !FITS_XML.test(key));
    await this.#removeTogether(this.#context.features.deleteManyOnly ? together : await this.#stillThere(together));
    await this.#removeAlone(alone);
  }

  async #removeTogether(objects: readonly SeenVersion[]): Promise<void> {
    if (objects.length === 0) return;
    if (this.#bucketFailure !== null) {
      for (const { key } of objects) this.answers.set(key, this.#bucketFailure);
      return;
    }
    let answer: DeleteObjectsCommandOutput;
    try {
      answer = await this.#send(objects);
    } catch (error) {
      this.#signal.throwIfAborted();
      const failure = asRollcallError(error);
      // A server that does not know this request, or cannot read one of its keys.
      if (isUnknownRequest(failure)) return this.#removeAlone(objects);
      if (failure.code.startsWith('BUCKET_')) this.#bucketFailure = failure;
      for (const { key } of objects) this.answers.set(key, failure);
      return;
    }
    await this.#read(answer, objects);
  }

  #send(objects: readonly SeenVersion[]): Promise<DeleteObjectsCommandOutput> {
    const { requests, features } = this.#context;
    const command = deleteCommand(requests.identity.bucket, objects, features.deleteManyOnly);
    const about = { kind: 'delete', doing: 'remove objects of', right: 's3:DeleteObject' } as const;
    return requests.send(command, about, this.#signal);
  }

  /** What the answer does not tell of a key, a HEAD does. */
  async #read({ Deleted = [], Errors = [] }: DeleteObjectsCommandOutput, objects: readonly SeenVersion[]) {
    const deleted = new Set(Deleted.map(({ Key }) => Key));
    const errors = new Map(Errors.map((error) => [error.Key, error]));
    const untold: SeenVersion[] = [];
    for (const object of objects) {
      const error = errors.get(object.key);
      if (error !== undefined)
        this.answers.set(object.key, removalOf(refusalOf(this.#context.requests, object.key, error)));
      else if (deleted.has(object.key)) this.answers.set(object.key, 'deleted');
      else untold.push(object);
    }
    for (const { key } of await this.#stillThere(untold)) {
      const address = `s3://${this.#context.requests.identity.bucket}/${key}`;
      const why = 'the server does not tell whether it was removed, and it is still there';
      this.answers.set(key, new RollcallError('OBJECT_UNVERIFIED', `${address}: ${why}`));
    }
  }

  /** Those that are there in the version that was seen; what the others are is answered. */
  async #stillThere(objects: readonly SeenVersion[]): Promise<readonly SeenVersion[]> {
    const { requests } = this.#context;
    const there = await this.#each(objects, async ({ key, etag }) => {
      const found = await requests.head(key, this.#signal);
      if (found === null) return 'deleted';
      return sameEtag(found.etag, etag) ? null : 'changed';
    });
    return there;
  }

  async #removeAlone(objects: readonly SeenVersion[]): Promise<void> {
    await this.#each(objects, async ({ key, etag }) => {
      const answer = await removeObject(this.#context, key, etag, this.#signal);
      return answer === 'missing' ? 'deleted' : answer;
    });
  }

  /** Asks for each by itself, keeps the answers and answers those objects that have none. */
  async #each(
    objects: readonly SeenVersion[],
    ask: (object: SeenVersion) => Promise<Removal | null>,
  ): Promise<readonly SeenVersion[]> {
    const askOne = async (object: SeenVersion): Promise<readonly SeenVersion[]> => {
      const answer = this.#bucketFailure ?? (await ask(object).catch((error: unknown) => this.#failed(error)));
      if (answer === null) return [object];
      this.answers.set(object.key, answer);
      return [];
    };
    const left = await pMap(objects, askOne, { concurrency: this.#context.checkConcurrency });
    this.#signal.throwIfAborted();
    return left.flat();
  }

  #failed(error: unknown): RollcallError {
    const failure = asRollcallError(error);
    if (failure.code.startsWith('BUCKET_')) this.#bucketFailure = failure;
    return failure;
  }
}

function isUnknownRequest({ code, cause }: RollcallError): boolean {
  return code === 'BUCKET_DENIED' && cause instanceof S3Failure && cause.status !== 403;
}

/** What a refusal means; one that is not about the version is why the object is still there. */
function removalOf(refusal: RollcallError): Removal {
  if (refusal.code === 'OBJECT_MISSING') return 'deleted';
  return refusal.code === 'OBJECT_PRECONDITION' ? 'changed' : refusal;
}

/** What an answer to DeleteObjects says of one key. */
export function refusalOf({ identity }: BucketRequests, key: string, error: DeletionError): RollcallError {
  const { Code: code = 'UnknownError', Message: message = '' } = error;
  return answeredError({ code, message }, { ...identity, doing: 'remove', key });
}

/** Asks for up to 1,000 objects to be removed, with their ETags where the server honours them. */
export function deleteCommand(
  bucket: string,
  objects: readonly SeenVersion[],
  withEtags: boolean,
): DeleteObjectsCommand {
  const Objects = objects.map(({ key, etag }) => ({ Key: key, ...(withEtags && { ETag: inForm('quoted', etag) }) }));
  const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } });
  sendContentMd5(command);
  return command;
}

/** The request must have a checksum. All servers take this one, not all take those of the SDK. */
function sendContentMd5(command: DeleteObjectsCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      if (HttpRequest.isInstance(args.request)) {
        const { headers, body } = args.request;
        for (const name of Object.keys(headers)) if (SDK_CHECKSUM.test(name)) delete headers[name];
        headers['content-md5'] = createHash('md5').update(body).digest('base64');
      }
      return next(args);
    },
    // After the SDK has put in its own, before the request is signed.
    { step: 'build', priority: 'low' },
  );
}
