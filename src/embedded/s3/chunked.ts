/**
 * The aws-chunked framing of request bodies:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
 */
import { createHash, createHmac, type Hash } from 'node:crypto';
import { S3Error } from './errors.ts';
import type { ChunkSigning } from './types.ts';

const EMPTY_SHA256 = createHash('sha256').digest('hex');
/** A chunk's line or a trailer longer than this is nobody's honest work. */
const LONGEST_LINE = 1024;
const MOST_TRAILERS = 16;
const SMALLEST_CHUNK = 8192;
const NEWLINE = 10;

type State = 'size' | 'data' | 'data-end' | 'trailers' | 'done';

/** Takes the framed bytes as they arrive and hands on the payload, checking each chunk's signature as it ends. */
export class ChunkedDecoder {
  readonly #signing: ChunkSigning | null;
  readonly #expectTrailer: boolean;
  readonly trailers = new Map<string, string>();
  #state: State = 'size';
  #line = '';
  #left = 0;
  #lastSize = Number.POSITIVE_INFINITY;
  #chunkHash: Hash | null = null;
  #chunkSignature = '';
  #previousSignature: string;

  constructor(signing: ChunkSigning | null, expectTrailer: boolean) {
    this.#signing = signing;
    this.#expectTrailer = expectTrailer;
    this.#previousSignature = signing?.seedSignature ?? '';
  }

  /** The payload bytes within these framed ones. Throws an S3Error for broken framing or a wrong signature. */
  push(input: Buffer): Buffer[] {
    const output: Buffer[] = [];
    let at = 0;
    while (at < input.length) {
      if (this.#state === 'data') {
        const data = input.subarray(at, at + this.#left);
        at += data.length;
        this.#left -= data.length;
        this.#chunkHash?.update(data);
        output.push(data);
        if (this.#left === 0) this.#state = 'data-end';
      } else {
        at = this.#takeLine(input, at);
      }
    }
    return output;
  }

  /** Called after the last bytes. Throws IncompleteBody when the framing did not come to its end. */
  end(): void {
    // Some clients leave out the blank line after the last chunk.
    if (this.#state === 'trailers' && this.#line === '' && !this.#expectTrailer) this.#finish();
    if (this.#state !== 'done') throw new S3Error('IncompleteBody');
  }

  #takeLine(input: Buffer, from: number): number {
    if (this.#state === 'done') throw new S3Error('IncompleteBody', 'There are bytes after the last chunk.');
    const newline = input.indexOf(NEWLINE, from);
    const end = newline === -1 ? input.length : newline;
    this.#line += input.toString('latin1', from, end);
    if (this.#line.length > LONGEST_LINE) throw malformed();
    if (newline === -1) return input.length;
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    if (this.#state === 'size') this.#startChunk(line);
    else if (this.#state === 'data-end') this.#endChunk(line);
    else this.#takeTrailer(line);
    return end + 1;
  }

  #startChunk(line: string): void {
    const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?\s*$/.exec(line);
    if (match === null) throw malformed();
    const [, size = '', signature = ''] = match;
    this.#left = Number.parseInt(size, 16);
    this.#chunkSignature = signature;
    if (this.#left === 0) {
      this.#checkChunk(EMPTY_SHA256);
      this.#state = 'trailers';
      return;
    }
    if (this.#lastSize < SMALLEST_CHUNK) throw new S3Error('InvalidChunkSizeError');
    this.#lastSize = this.#left;
    if (this.#signing !== null) this.#chunkHash = createHash('sha256');
    this.#state = 'data';
  }

  #endChunk(line: string): void {
    if (line !== '') throw malformed();
    this.#checkChunk(this.#chunkHash?.digest('hex') ?? '');
    this.#state = 'size';
  }

  #takeTrailer(line: string): void {
    if (line === '') {
      this.#finish();
      return;
    }
    const colon = line.indexOf(':');
    if (colon < 1 || this.trailers.size >= MOST_TRAILERS) throw malformed();
    this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }

  #finish(): void {
    this.#state = 'done';
    const signature = this.trailers.get('x-amz-trailer-signature');
    this.trailers.delete('x-amz-trailer-signature');
    if (this.#signing === null || !this.#expectTrailer) return;
    const lines = [...this.trailers].map(([name, value]) => `${name}:${value}\n`).join('');
    const hash = createHash('sha256').update(lines, 'latin1').digest('hex');
    if (this.#sign('AWS4-HMAC-SHA256-TRAILER', hash) !== signature) throw new S3Error('SignatureDoesNotMatch');
  }

  #checkChunk(hash: string): void {
    if (this.#signing === null) return;
    const expected = this.#sign('AWS4-HMAC-SHA256-PAYLOAD', `${EMPTY_SHA256}\n${hash}`);
    if (expected !== this.#chunkSignature) throw new S3Error('SignatureDoesNotMatch');
    this.#previousSignature = expected;
  }

  #sign(algorithm: string, hashes: string): string {
    const { key, date, scope } = this.#signing as ChunkSigning;
    const text = `${algorithm}\n${date}\n${scope}\n${this.#previousSignature}\n${hashes}`;
    return createHmac('sha256', key).update(text).digest('hex');
  }
}

function malformed(): S3Error {
  return new S3Error('InvalidRequest', 'The body is not in the aws-chunked framing that the headers announce.');
}
