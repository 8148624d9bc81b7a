/** Takes in a request's body: length, framing and every digest that was announced are checked before it counts. */
import { createHash, type Hash } from 'node:crypto';
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumHeader,
  createChecksum,
  isChecksumValue,
  type RunningDigest,
  type StoredChecksum,
  toChecksumAlgorithm,
} from './checksums.ts';
import { ChunkedDecoder } from './chunked.ts';
import { S3Error } from './errors.ts';
import type { RequestHead, S3Request } from './types.ts';

export const LARGEST_BODY = 5 * 1024 ** 3;

export interface ReceivedBody {
  readonly size: number;
  readonly md5: Buffer;
  /** Verified when the client sent one; else computed when an algorithm was asked for. */
  readonly checksum: StoredChecksum | null;
}

export interface ReceiveOptions {
  readonly largest: number;
  /** Computed when the client names none itself. */
  readonly algorithm?: ChecksumAlgorithm | null;
  /** Takes the bytes; a promise is waited for before more is read. */
  readonly sink: (data: Buffer) => Promise<void> | undefined;
}

/** The checksum a client announces: in a header, or to come in a trailer. */
interface Announced {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string | null;
}

/**
 * Reads the body through `sink`. Throws EntityTooLarge, MissingContentLength, IncompleteBody, InvalidDigest, BadDigest,
 * XAmzContentSHA256Mismatch, SignatureDoesNotMatch; the sink's bytes are then worth nothing.
 */
export async function receiveBody(request: S3Request, options: ReceiveOptions): Promise<ReceivedBody> {
  const expected = expectedLength(request);
  if (expected > options.largest) {
    throw new S3Error('EntityTooLarge', undefined, {
      ProposedSize: String(expected),
      MaxSizeAllowed: String(options.largest),
    });
  }
  const contentMd5 = readContentMd5(request);
  const announced = readAnnounced(request);
  const algorithm = announced?.algorithm ?? options.algorithm ?? null;
  const digests = new Digests(request, algorithm);
  const decoder =
    request.payload.kind === 'chunked' ? new ChunkedDecoder(request.payload.signer, request.payload.trailer) : null;
  const size = await pump(request, decoder, expected, (data) => {
    digests.update(data);
    return options.sink(data);
  });
  const { md5, checksum } = digests.finish();
  if (contentMd5 !== null && !contentMd5.equals(md5)) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  if (announced === null) return { size, md5, checksum };
  const value = announced.value ?? trailerValue(decoder, announced.algorithm);
  if (value !== checksum?.value) {
    throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
  }
  return { size, md5, checksum };
}

/** The whole of a small body. Throws as receiveBody does, and MalformedXML above the limit. */
export async function receiveDocument(request: S3Request, largest: number): Promise<Buffer> {
  if (expectedLength(request) > largest) throw new S3Error('MalformedXML');
  const chunks: Buffer[] = [];
  await receiveBody(request, {
    largest,
    sink: (data) => {
      chunks.push(data);
      return undefined;
    },
  });
  return Buffer.concat(chunks);
}

/** Does the request say what its body must hash to, beyond its signature? */
export function hasIntegrityHeader(head: RequestHead): boolean {
  return head.headers.has('content-md5') || readAnnounced(head) !== null;
}

async function pump(
  request: S3Request,
  decoder: ChunkedDecoder | null,
  expected: number,
  take: (data: Buffer) => Promise<void> | undefined,
): Promise<number> {
  let size = 0;
  const takeCounted = (data: Buffer): Promise<void> | undefined => {
    size += data.length;
    if (size > expected) throw new S3Error('IncompleteBody', 'The body is longer than was announced.');
    return take(data);
  };
  request.proceed();
  try {
    // The connection stays open when this stops early: the error still has to be answered on it.
    for await (const chunk of request.http.iterator({ destroyOnReturn: false })) {
      for (const data of decoder === null ? [chunk as Buffer] : decoder.push(chunk)) {
        const wait = takeCounted(data);
        if (wait !== undefined) await wait;
      }
    }
  } catch (error) {
    if (request.http.errored !== null) throw Object.assign(new S3Error('IncompleteBody'), { cause: error });
    throw error;
  }
  decoder?.end();
  if (size !== expected) throw new S3Error('IncompleteBody');
  return size;
}

class Digests {
  readonly #md5: Hash = createHash('md5');
  readonly #sha256: Hash | null;
  readonly #expectedSha256: string | null;
  readonly #algorithm: ChecksumAlgorithm | null;
  readonly #checksum: RunningDigest | null;

  constructor(request: S3Request, algorithm: ChecksumAlgorithm | null) {
    this.#expectedSha256 = request.payload.kind === 'plain' ? request.payload.sha256 : null;
    this.#sha256 = this.#expectedSha256 === null ? null : createHash('sha256');
    this.#algorithm = algorithm;
    this.#checksum = algorithm === null ? null : createChecksum(algorithm);
  }

  update(data: Buffer): void {
    this.#md5.update(data);
    this.#sha256?.update(data);
    this.#checksum?.update(data);
  }

  finish(): { md5: Buffer; checksum: StoredChecksum | null } {
    const sha256 = this.#sha256?.digest('hex');
    if (sha256 !== undefined && sha256 !== this.#expectedSha256) {
      throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
        ClientComputedContentSHA256: this.#expectedSha256 ?? '',
        S3ComputedContentSHA256: sha256,
      });
    }
    const value = this.#checksum?.digest().toString('base64');
    const checksum: StoredChecksum | null =
      value === undefined || this.#algorithm === null
        ? null
        : { algorithm: this.#algorithm, value, type: 'FULL_OBJECT' };
    return { md5: this.#md5.digest(), checksum };
  }
}

function expectedLength(request: S3Request): number {
  const chunked = request.payload.kind === 'chunked';
  const text = request.headers.get(chunked ? 'x-amz-decoded-content-length' : 'content-length');
  if (text === undefined) {
    if (!chunked && request.headers.has('transfer-encoding')) {
      throw new S3Error('NotImplemented', undefined, { Header: 'Transfer-Encoding' });
    }
    throw new S3Error('MissingContentLength');
  }
  if (!/^[0-9]{1,15}$/.test(text)) throw new S3Error('InvalidArgument', 'The length of the body is not a number.');
  return Number(text);
}

function readContentMd5(head: RequestHead): Buffer | null {
  const text = head.headers.get('content-md5');
  if (text === undefined) return null;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== 16 || bytes.toString('base64') !== text) throw new S3Error('InvalidDigest');
  return bytes;
}

function readAnnounced(head: RequestHead): Announced | null {
  const given: Announced[] = [];
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = head.headers.get(checksumHeader(algorithm));
    if (value === undefined) continue;
    if (!isChecksumValue(algorithm, value)) {
      throw new S3Error('InvalidRequest', `Value for ${checksumHeader(algorithm)} header is invalid.`);
    }
    given.push({ algorithm, value });
  }
  for (const name of (head.headers.get('x-amz-trailer') ?? '').split(',')) {
    const algorithm = toChecksumAlgorithm(name.trim().replace(/^x-amz-checksum-/i, ''));
    if (algorithm !== null) given.push({ algorithm, value: null });
  }
  if (given.length > 1) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  const [only] = given;
  if (only === undefined && head.headers.has('x-amz-sdk-checksum-algorithm')) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  return only ?? null;
}

function trailerValue(decoder: ChunkedDecoder | null, algorithm: ChecksumAlgorithm): string {
  const value = decoder?.trailers.get(checksumHeader(algorithm));
  if (value === undefined || !isChecksumValue(algorithm, value)) {
    throw new S3Error('InvalidRequest', `The trailer ${checksumHeader(algorithm)} is missing or not valid.`);
  }
  return value;
}
