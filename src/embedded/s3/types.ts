/** What the operations of the embedded S3 server share. */
import type { KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { BodyFiles } from './bodies.ts';
import type { ObjectStore } from './store.ts';

/** What a request asks for, in the words of S3's API: `operation` is "PutObject", "ListObjectsV2" and so on. */
export interface AccessRequest {
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
}

/** One key pair that may sign requests. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** True refuses the request with 403 AccessDenied, whether or not the key exists. */
  readonly deny?: (request: AccessRequest) => boolean;
}

/** How a body is framed and what of it is signed. */
export type Payload =
  | { readonly kind: 'plain'; readonly sha256: string | null }
  | { readonly kind: 'chunked'; readonly trailer: boolean; readonly signer: ChunkSigning | null };

/** What the first chunk's signature builds upon. */
export interface ChunkSigning {
  readonly key: KeyObject;
  readonly date: string;
  readonly scope: string;
  readonly seedSignature: string;
}

/** A request as far as its line and headers tell, before it is known who sent it. */
export interface RequestHead {
  readonly method: string;
  /** The path as sent, still percent-encoded: signatures are made over it. */
  readonly rawPath: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  /** All pairs of the query in their order, decoded. */
  readonly queryPairs: readonly (readonly [string, string])[];
  /** Names in lower case; values as Node gives them, a byte a character. */
  readonly headers: ReadonlyMap<string, string>;
}

/** An authenticated request. */
export interface S3Request extends RequestHead {
  readonly http: IncomingMessage;
  /** The server's clock when the request came in, milliseconds. */
  readonly now: number;
  readonly payload: Payload;
  /** May the sender do this too? For operations that touch more than the key in their path. */
  readonly denied: (request: AccessRequest) => boolean;
  /** Tells a client that waits for "100 Continue" to send its body. Called before the first read. */
  readonly proceed: () => void;
}

export interface S3Response {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** A stream is sent with backpressure and closed whatever happens. */
  readonly body?: string | Buffer | AsyncIterable<Buffer>;
  /** Called once when the answer is sent or given up. */
  readonly release?: () => void;
}

export type RestoreTier = 'Expedited' | 'Standard' | 'Bulk';

/** What an operation works on. */
export interface S3Context {
  readonly store: ObjectStore;
  readonly bodies: BodyFiles;
  readonly region: string;
  /** Milliseconds a restore takes, by tier. */
  readonly restoreDelayMs: Readonly<Record<RestoreTier, number>>;
}

export type Operation = (request: S3Request, context: S3Context) => Promise<S3Response> | S3Response;
