/**
 * Signed S3 requests as plain HTTP, for what an SDK cannot be made to send: wrong signatures, odd paths, broken framing,
 * an upload that stops half way. The signing is written here from the specification and shares nothing with the server,
 * so that the two cannot be wrong together.
 */
import { createHash, createHmac } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';

/** A server and whom to be there. */
export interface S3Target {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RawRequest {
  readonly method: string;
  /** As it goes over the wire, percent-encoded, `/bucket/key`; `pathOf` makes one. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case; values may hold any Unicode and go out as UTF-8. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** The value of x-amz-content-sha256 when it is not the body's own hash. */
  readonly payload?: string;
  /** When the client thinks it is. */
  readonly date?: Date;
  /** Headers added after signing. */
  readonly unsigned?: Readonly<Record<string, string>>;
  readonly anonymous?: boolean;
  /** Sends the body without telling its length. */
  readonly unmeasured?: boolean;
  /** Closes the connection after this many bytes of the body. */
  readonly cutAfter?: number;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The `<Code>` of an error document, or null. */
  readonly code: string | null;
}

/** How the chunks of an aws-chunked body are made; the wrongs are what a server must notice. */
export interface ChunkedUpload {
  readonly path: string;
  readonly chunks: readonly Uint8Array[];
  readonly signed: boolean;
  readonly trailer?: { readonly name: string; readonly value: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** The length announced, when it is not the true one. */
  readonly announced?: number;
  readonly wrong?: 'chunk signature' | 'no last chunk' | 'trailer signature';
}

export const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: Uint8Array | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const EMPTY_HASH = sha256('');

/** Percent-encodes all but the unreserved characters, in UTF-8, as SigV4 wants it. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The path of a bucket, or of a key in it. */
export function pathOf(bucket: string, key?: string): string {
  return key === undefined ? `/${bucket}` : `/${bucket}/${key.split('/').map(uriEncode).join('/')}`;
}

const stamp = (date: Date): string => date.toISOString().replace(/[-:]|\.\d{3}/g, '');

function queryString(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`);
  return pairs.sort().join('&');
}

/** One client's signing: everything that follows from the target and a moment. */
class Signer {
  readonly #target: S3Target;
  readonly time: string;
  readonly scope: string;
  readonly #key: Buffer;

  constructor(target: S3Target, date: Date) {
    this.#target = target;
    this.time = stamp(date);
    const day = this.time.slice(0, 8);
    this.scope = `${day}/${target.region}/s3/aws4_request`;
    this.#key = hmac(hmac(hmac(hmac(`AWS4${target.secretAccessKey}`, day), target.region), 's3'), 'aws4_request');
  }

  get credential(): string {
    return `${this.#target.accessKeyId}/${this.scope}`;
  }

  sign(algorithm: string, ...lines: string[]): string {
    return hmac(this.#key, [algorithm, this.time, this.scope, ...lines].join('\n')).toString('hex');
  }

  signRequest(method: string, path: string, query: string, headers: Readonly<Record<string, string>>, payload: string) {
    const names = Object.keys(headers).sort();
    const canonicalHeaders = names.map((name) => `${name}:${headers[name]?.trim().replace(/ +/g, ' ')}\n`).join('');
    const canonicalPath = path.split('/').map(decodeURIComponent).map(uriEncode).join('/');
    const canonical = [method, canonicalPath, query, canonicalHeaders, names.join(';'), payload].join('\n');
    return { signature: this.sign('AWS4-HMAC-SHA256', sha256(canonical)), signedHeaders: names.join(';') };
  }
}

/** Sends raw requests to one server over kept-alive connections. */
export class RawS3 {
  readonly target: S3Target;
  readonly #agent: Agent;

  constructor(target: S3Target) {
    this.target = target;
    this.#agent = target.endpoint.startsWith('https:')
      ? new TlsAgent({ keepAlive: true })
      : new Agent({ keepAlive: true });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** The same server as somebody else, or from elsewhere. */
  as(other: Partial<S3Target>): RawS3 {
    return new RawS3({ ...this.target, ...other });
  }

  /** Signs and sends; any status is an answer. */
  async send(request: RawRequest): Promise<RawAnswer> {
    const body = Buffer.from(request.body ?? '');
    const { headers } = this.#sign(request, body);
    return this.#exchange(request, { ...headers, ...request.unsigned }, body);
  }

  /** A presigned address, valid for `seconds` from `date`. */
  presign(request: Pick<RawRequest, 'method' | 'path' | 'query' | 'date'>, seconds: number): string {
    const signer = new Signer(this.target, request.date ?? new Date());
    const query = queryString({
      ...request.query,
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': signer.credential,
      'X-Amz-Date': signer.time,
      'X-Amz-Expires': String(seconds),
      'X-Amz-SignedHeaders': 'host',
    });
    const host = { host: new URL(this.target.endpoint).host };
    const { signature } = signer.signRequest(request.method, request.path, query, host, 'UNSIGNED-PAYLOAD');
    return `${this.target.endpoint}${request.path}?${query}&X-Amz-Signature=${signature}`;
  }

  /** A PUT whose body is framed in chunks, as `x-amz-content-sha256: STREAMING-…` announces. */
  async putChunked(upload: ChunkedUpload): Promise<RawAnswer> {
    const length = upload.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const kind = upload.signed ? 'AWS4-HMAC-SHA256-PAYLOAD' : 'UNSIGNED-PAYLOAD';
    const request: RawRequest = {
      method: 'PUT',
      path: upload.path,
      payload: `STREAMING-${kind}${upload.trailer === undefined ? '' : '-TRAILER'}`,
      headers: {
        ...upload.headers,
        'content-encoding': ['aws-chunked', upload.headers?.['content-encoding']].filter(Boolean).reverse().join(','),
        'x-amz-decoded-content-length': String(upload.announced ?? length),
        ...(upload.trailer === undefined ? {} : { 'x-amz-trailer': upload.trailer.name }),
      },
    };
    const { headers, signer, signature } = this.#sign(request, Buffer.alloc(0));
    const body = upload.signed ? signedChunks(upload, signer, signature) : unsignedChunks(upload);
    return this.#exchange(request, headers, body);
  }

  #sign(request: RawRequest, body: Buffer) {
    const signer = new Signer(this.target, request.date ?? new Date());
    const payload = request.payload ?? (body.length === 0 ? EMPTY_HASH : sha256(body));
    const plain = { host: new URL(this.target.endpoint).host, ...request.headers };
    if (request.anonymous === true) return { headers: plain, signer, signature: '' };
    const headers = { ...plain, 'x-amz-date': signer.time, 'x-amz-content-sha256': payload };
    const query = queryString(request.query ?? {});
    const { signature, signedHeaders } = signer.signRequest(request.method, request.path, query, headers, payload);
    const authorization = `AWS4-HMAC-SHA256 Credential=${signer.credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
    return { headers: { ...headers, authorization }, signer, signature };
  }

  #exchange(request: RawRequest, headers: Readonly<Record<string, string>>, body: Buffer): Promise<RawAnswer> {
    const url = new URL(this.target.endpoint);
    const query = queryString(request.query ?? {});
    const wire = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]);
    const framing = request.unmeasured ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) };
    const options = {
      hostname: url.hostname,
      port: url.port,
      agent: this.#agent,
      method: request.method,
      path: query === '' ? request.path : `${request.path}?${query}`,
      headers: { ...Object.fromEntries(wire), ...framing },
    };
    return new Promise((resolve, reject) => {
      const sending = (url.protocol === 'https:' ? httpsRequest : httpRequest)(options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => resolve(answerOf(response.statusCode ?? 0, response.headers, Buffer.concat(parts))));
      });
      sending.on('error', reject);
      if (request.cutAfter === undefined) sending.end(body);
      else sending.write(body.subarray(0, request.cutAfter), () => sending.destroy(new Error('cut by the test')));
    });
  }
}

function answerOf(status: number, headers: IncomingHttpHeaders, body: Buffer): RawAnswer {
  const code = status < 300 ? null : (/<Code>([^<]*)<\/Code>/.exec(body.toString())?.[1] ?? null);
  return { status, headers, body, code };
}

function unsignedChunks(upload: ChunkedUpload): Buffer {
  const parts = upload.chunks.flatMap((chunk) => [`${chunk.length.toString(16)}\r\n`, chunk, '\r\n']);
  if (upload.wrong === 'no last chunk') return join(parts);
  const { trailer } = upload;
  return join([...parts, '0\r\n', trailer === undefined ? '' : `${trailer.name}:${trailer.value}\r\n`, '\r\n']);
}

/** Each chunk's signature is made over the one before it, so a chunk cannot be dropped, changed or moved. */
function signedChunks(upload: ChunkedUpload, signer: Signer, seed: string): Buffer {
  const parts: (Uint8Array | string)[] = [];
  let previous = seed;
  const add = (chunk: Uint8Array): void => {
    const wrong = upload.wrong === 'chunk signature' && chunk === upload.chunks.at(-1);
    const signature = signer.sign('AWS4-HMAC-SHA256-PAYLOAD', previous, EMPTY_HASH, sha256(chunk));
    parts.push(`${chunk.length.toString(16)};chunk-signature=${wrong ? '0'.repeat(64) : signature}\r\n`, chunk);
    previous = signature;
  };
  for (const chunk of upload.chunks) {
    add(chunk);
    parts.push('\r\n');
  }
  if (upload.wrong === 'no last chunk') return join(parts);
  add(Buffer.alloc(0));
  if (upload.trailer === undefined) return join([...parts, '\r\n']);
  const { name, value } = upload.trailer;
  const signature = signer.sign('AWS4-HMAC-SHA256-TRAILER', previous, sha256(`${name}:${value}\n`));
  const shown = upload.wrong === 'trailer signature' ? '0'.repeat(64) : signature;
  return join([...parts, `${name}:${value}\r\nx-amz-trailer-signature:${shown}\r\n\r\n`]);
}

const join = (parts: readonly (Uint8Array | string)[]): Buffer => Buffer.concat(parts.map((part) => Buffer.from(part)));
