/** Downloads an object: one version of it, in order, verified; resumed where a connection broke. */
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { HttpRequest } from '@smithy/core/protocols';
import { type ErrorCode, RollcallError } from '../errors.ts';
import type { FetchedObject } from '../sync/bucket-port.ts';
import type { BucketObject } from '../sync/types.ts';
import { S3Failure } from './errors.ts';
import { inForm, sameEtag, unquoted } from './etags.ts';
import { IncomingContent } from './fetch-content.ts';
import { describedBy } from './fetch-facts.ts';
import type { BucketRequests } from './requests.ts';

/** The version that is asked for; any other is refused. */
export type FetchedVersion = Pick<BucketObject, 'key' | 'size' | 'etag'>;

/** Breaks in a row, with hardly a byte between them, before it is given up. */
const MOST_BREAKS = 5;
/** So many bytes show that the line works: breaks are counted afresh. */
const PROGRESS_BYTES = 1024 * 1024;
const FIRST_DELAY_MS = 200;

/**
 * Reads the object into `sink`, a chunk at a time. After an error or an abort, `sink` is not called again, and no
 * connection is left open; a chunk that is being taken just then is waited for.
 */
export async function fetchObject(
  requests: BucketRequests,
  object: FetchedVersion,
  partSize: number | null,
  sink: (chunk: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<FetchedObject> {
  const first = await ask(requests, object, 0, signal);
  const content = new IncomingContent(object, partSize, first.answer);
  const take = async (chunk: Buffer): Promise<void> => {
    if (content.bytes + chunk.length > object.size) {
      throw failure(requests, object, 'OBJECT_UNVERIFIED', `more bytes came than the ${object.size} that are listed`);
    }
    content.update(chunk);
    await sink(chunk);
  };
  const breaks = new Breaks(requests, object);
  let { body } = first;
  for (;;) {
    const broken = await pour(body, take, signal);
    if (broken === null || content.bytes === object.size) break;
    await breaks.wait(broken, content.bytes, signal);
    requests.noteRetry();
    ({ body } = await ask(requests, object, content.bytes, signal));
  }
  const proof = content.prove();
  if ('fault' in proof) throw failure(requests, object, 'OBJECT_UNVERIFIED', proof.fault);
  return { ...describedBy(first.answer), ...proof };
}

interface Answer {
  readonly answer: GetObjectCommandOutput;
  readonly body: Readable;
}

/** Asks for the bytes from `start` on; the answer is of the right version and begins there, or it is an error. */
async function ask(
  requests: BucketRequests,
  object: FetchedVersion,
  start: number,
  signal: AbortSignal,
): Promise<Answer> {
  const { key, etag } = object;
  const command = new GetObjectCommand({
    Bucket: requests.identity.bucket,
    Key: key,
    // Every server that was met takes a quoted one here, whatever form it wants for writes.
    IfMatch: inForm('quoted', etag),
    ...(start > 0 && { Range: `bytes=${start}-` }),
  });
  askForChecksum(command);
  const answer = await requests.send(command, { kind: 'get', doing: 'read', key }, signal);
  const body = answer.Body instanceof Readable ? answer.Body : Readable.from([]);
  const fault = faultOf(answer, object, start);
  if (fault === null) return { answer, body };
  body.destroy();
  throw failure(requests, object, ...fault);
}

/**
 * Not by the command's ChecksumMode: with that the SDK computes whatever checksum the server tells, slow ones too and
 * beside an MD5 that proves more, and knows nothing of a download in several pieces.
 */
function askForChecksum(command: GetObjectCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      if (HttpRequest.isInstance(args.request)) args.request.headers['x-amz-checksum-mode'] = 'ENABLED';
      return next(args);
    },
    { step: 'build' },
  );
}

/** What is wrong with an answer before its first byte: not every server honours conditions and ranges. */
function faultOf(answer: GetObjectCommandOutput, object: FetchedVersion, start: number): [ErrorCode, string] | null {
  const etag = unquoted(answer.ETag);
  if (etag === '') return ['OBJECT_UNVERIFIED', 'the server does not say which version it sends'];
  if (!sameEtag(etag, object.etag)) return ['OBJECT_PRECONDITION', 'it has been replaced meanwhile'];
  if (start > 0 && !answer.ContentRange?.startsWith(`bytes ${start}-`)) {
    return ['OBJECT_UNAVAILABLE', `the connection broke after ${start} bytes and the server does not go on from there`];
  }
  const promised = answer.ContentLength ?? object.size - start;
  if (start + promised === object.size) return null;
  return ['OBJECT_UNVERIFIED', `the server has ${start + promised} bytes, ${object.size} are listed`];
}

/** What broke a connection, and no fault of whoever takes the bytes. */
class Broken {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** Passes a body on, chunk by chunk. Answers what broke it, null if it came to its end; throws what `take` throws. */
async function pour(
  body: Readable,
  take: (chunk: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<Broken | null> {
  try {
    for await (const chunk of chunksOf(body)) {
      await take(chunk);
      signal.throwIfAborted();
    }
    return null;
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof Broken) return thrown;
    throw thrown;
  }
}

async function* chunksOf(body: Readable): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* body;
  } catch (thrown) {
    throw new Broken(thrown);
  }
}

/** Counts broken connections and waits ever longer after them. */
class Breaks {
  readonly #requests: BucketRequests;
  readonly #object: FetchedVersion;
  #inARow = 0;
  #bytes = 0;

  constructor(requests: BucketRequests, object: FetchedVersion) {
    this.#requests = requests;
    this.#object = object;
  }

  /** After a break with so many bytes taken so far. Throws OBJECT_UNAVAILABLE instead when there were too many. */
  async wait({ cause }: Broken, bytes: number, signal: AbortSignal): Promise<void> {
    const progress = bytes - this.#bytes;
    this.#bytes = bytes;
    this.#inARow = progress < PROGRESS_BYTES ? this.#inARow + 1 : 1;
    if (this.#inARow === MOST_BREAKS) {
      const failed = new S3Failure(cause);
      const why = `the connection broke ${MOST_BREAKS} times, the last time after ${bytes} of ${this.#object.size} bytes`;
      throw failure(this.#requests, this.#object, 'OBJECT_UNAVAILABLE', `${why} (${failed.message})`, failed);
    }
    const longest = FIRST_DELAY_MS * 2 ** (this.#inARow - 1);
    await delay(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

function failure(
  { identity }: BucketRequests,
  { key }: FetchedVersion,
  code: ErrorCode,
  why: string,
  cause?: Error,
): RollcallError {
  return new RollcallError(code, `cannot read s3://${identity.bucket}/${key}: ${why}`, { cause });
}
