/** What the engine asks of a bucket; the adapter is in bucket/. */

import type { RollcallError } from '../errors.ts';
import type { Inventory, OpenFile } from './ports.ts';
import type { BucketObject, RequestCounts } from './types.ts';

/** What a bucket was seen to honour. Kept per bucket; each is false until a probe proves it. */
export interface BucketFeatures {
  /** PUT with `If-None-Match: *` answers 412 when the key exists. */
  readonly createOnly: boolean;
  /** PUT with `If-Match` answers 412 when the ETag is another; `unquoted` when only that form of ETag works. */
  readonly replaceOnly: 'quoted' | 'unquoted' | 'none';
  /** The same for CompleteMultipartUpload. */
  readonly createOnlyMultipart: boolean;
  /** DELETE with `If-Match`. */
  readonly deleteOnly: boolean;
  /** DeleteObjects with an ETag for each key. */
  readonly deleteManyOnly: boolean;
  /** CopyObject with `If-None-Match: *` on its target. */
  readonly copyCreateOnly: boolean;
  /** A wrong Content-MD5 is refused. */
  readonly contentMd5: boolean;
  /** A wrong x-amz-checksum-crc32 is refused. */
  readonly checksums: boolean;
}

/** `endpoint` is the server's address, or `aws` for Amazon's own. */
export interface BucketIdentity {
  readonly endpoint: string;
  readonly bucket: string;
}

/** How an upload may change the bucket. */
export type WriteCondition = { readonly absent: true } | { readonly etag: string };

/** A part of an upload that the server confirmed. */
export interface ConfirmedPart {
  /** From 1. */
  readonly number: number;
  /** As the server named it. */
  readonly etag: string;
  /** Of the bytes that were sent. */
  readonly md5: string;
}

/** An upload in parts that an earlier try has begun and that may still be there. */
export interface RememberedUpload {
  /** As the server named it. */
  readonly uploadId: string;
  /** Bytes. */
  readonly partSize: number;
  /** What its metadata says of the content as a whole, if anything. */
  readonly md5: string | null;
  /** It was begun for this very version of the file. */
  readonly sameVersion: boolean;
  readonly parts: readonly ConfirmedPart[];
}

/**
 * Remembers the uploads in parts of one key beyond the end of this process, so that one that is cut off can be gone on
 * with. A crash between any two calls is harmless: what is remembered is only ever believed as far as the server and the
 * file's bytes agree with it.
 */
export interface UploadMemory {
  /** What earlier tries have left, newest first; it is this one's from now on. */
  recall(): Promise<readonly RememberedUpload[]>;
  /** The server has begun an upload. Throws if that cannot be remembered. */
  begun(upload: Pick<RememberedUpload, 'uploadId' | 'partSize' | 'md5'>): Promise<void>;
  confirmed(uploadId: string, part: ConfirmedPart): Promise<void>;
  /** False: another try has taken it over, who decides what becomes of it. */
  isOurs(uploadId: string): Promise<boolean>;
  /** It is over: completed, or aborted. */
  forget(uploadId: string): Promise<void>;
}

/** An upload in parts as the server tells of it. */
export interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly startedAtMs: number;
}

export interface UploadRequest {
  readonly key: string;
  readonly file: OpenFile;
  readonly contentType: string;
  readonly condition: WriteCondition;
  /** MD5 of the whole file if it is known already: saves reading a large file twice. */
  readonly md5?: string;
  /** Called with the number of bytes sent since the last call. */
  readonly onBytes?: (bytes: number) => void;
  /** The same for bytes that an earlier try has sent and that need not be sent again, as far as can be told by then. */
  readonly onResumed?: (bytes: number) => void;
  /**
   * Of uploads in parts: they go on from what is remembered, and one that fails for a reason that may pass, or that is
   * aborted, keeps its parts for the next try. Left out: it begins afresh, and leaves no parts when it fails.
   */
  readonly memory?: UploadMemory;
}

/** An object that was written and verified to hold the file's bytes. */
export interface UploadedObject {
  readonly etag: string;
  readonly md5: string;
  /** Bytes; null for a single PUT. */
  readonly partSize: number | null;
  readonly size: number;
  readonly storageClass: string;
  /** False: the very same bytes were there already and nothing was sent. */
  readonly sent: boolean;
  /** Bytes that an earlier try had sent and this one did not; left out: none. */
  readonly resumed?: number;
}

/** A copy on the server. */
export interface CopyRequest {
  readonly from: Pick<BucketObject, 'key' | 'size' | 'etag' | 'storageClass'>;
  readonly to: string;
  readonly condition: WriteCondition;
  /** Of the source's content, as far as it is known: proves a copy whose ETag is not the source's. */
  readonly md5: string | null;
  /** Bytes; the source's. */
  readonly partSize: number | null;
  /** What the copy is to say of itself; left out: metadata, content type and storage class are those of the source. */
  readonly as?: { readonly contentType: string; readonly mtimeNs: bigint };
  /** Of copies in parts: what a crash leaves of one is found by it. They are never gone on with. */
  readonly memory?: UploadMemory;
}

/** A copy that was made and verified to hold the source's bytes. */
export interface CopiedObject {
  readonly etag: string;
  /** Bytes; null for one that was not made in parts. */
  readonly partSize: number | null;
  readonly storageClass: string;
  /** False: the very same bytes were there already and nothing was copied. */
  readonly copied: boolean;
}

/** A small object that can always be made again from others, under a key that changes with its bytes. */
export interface DerivedObject {
  readonly key: string;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly cacheControl: string;
}

export interface PresignOptions {
  /** At most a week. */
  readonly expiresSeconds: number;
  /** The object is to be saved under this name instead of shown. */
  readonly downloadName?: string;
}

/** How fast, and for how long, an archived object is to be made readable. */
export interface RestoreRequest {
  /** Days for which the restored copy stays. */
  readonly days: number;
  readonly tier: 'Standard' | 'Bulk' | 'Expedited';
}

/** An object that was read whole and verified. */
export interface FetchedObject {
  readonly md5: string;
  readonly partSize: number | null;
  /** From the metadata `mtime` (seconds, as rclone writes it), else LastModified. */
  readonly mtimeNs: bigint;
  readonly contentType: string;
  readonly storageClass: string;
}

/** Do these bytes and that ETag belong together? `unknown` when the ETag says nothing about the content. */
export type ContentMatch = 'same' | 'different' | 'unknown';

/** An object as a HEAD tells it: a listing's facts and the metadata. */
export interface HeadedObject extends BucketObject {
  readonly metadata: Readonly<Record<string, string>>;
  /** Of an archived object that was asked to be restored: is that still under way, and until when can it be read? */
  readonly restore?: { readonly ongoing: boolean; readonly untilMs: number | null };
}

/**
 * One bucket. Errors: BUCKET_* when no request can succeed, OBJECT_* for one object; a denied request is never
 * reported as absence. Throttling, 5xx and broken connections are retried with backoff before they are thrown.
 */
export interface BucketPort {
  /** Where it is: the same for every process that means this bucket. */
  readonly identity: BucketIdentity;
  /** Proves that the bucket exists and may be listed, by one LIST; BUCKET_* otherwise. */
  preflight(prefix: string, signal: AbortSignal): Promise<void>;
  /**
   * Learns what the bucket honours by trying it on a probe object, once: what is known already is taken as it is. To
   * be called before the first write; until then nothing is relied on. Its requests are not among `requests()`.
   */
  learn(prefix: string, known: BucketFeatures | null, signal: AbortSignal): Promise<BucketFeatures>;
  /**
   * Objects under a prefix, subfolders left out when `shallow`. Throws when the first page fails: then nothing is
   * known of the bucket. A later page that fails ends the listing as a hiding problem.
   */
  list(prefix: string, options: { shallow: boolean }, signal: AbortSignal): Inventory<BucketObject>;
  /** The object's facts; null only for 404. */
  head(key: string, signal: AbortSignal): Promise<HeadedObject | null>;
  /** Is there an object? False only for 404; anything else throws (DESIGN 2). */
  objectExists(key: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Writes the file's bytes under the condition, verified. OBJECT_PRECONDITION when the condition does not hold,
   * unless what is there are these very bytes (a lost answer, a second writer with the same photo).
   */
  upload(request: UploadRequest, signal: AbortSignal): Promise<UploadedObject>;
  /**
   * The uploads in parts under a prefix that have not ended, whoever began them, in batches of bounded size. Throws when
   * a page fails: BUCKET_DENIED where they may not be listed.
   */
  unfinishedUploads(prefix: string, signal: AbortSignal): AsyncIterable<readonly UnfinishedUpload[]>;
  /** When a part was added to this upload last, in ms since 1970: its start if it has none; null if it has ended. */
  lastPartAt(upload: UnfinishedUpload, signal: AbortSignal): Promise<number | null>;
  /** Ends an upload in parts and has its parts removed; one that has ended already is none the worse for it. */
  abortUpload(upload: Pick<UnfinishedUpload, 'key' | 'uploadId'>, signal: AbortSignal): Promise<void>;
  /**
   * Writes a small object, verified, over whatever is there: under its key there is nothing but these bytes. Errors as
   * `upload`'s.
   */
  putDerived(object: DerivedObject, signal: AbortSignal): Promise<{ readonly etag: string }>;
  /**
   * An address at which anybody may GET the object, which is not looked at, for at most `expiresSeconds` and at least
   * three quarters of that: the address stays the same for a while, so that a browser knows what it has already. It is
   * made here: thousands at once are fine. BUCKET_CREDENTIALS; BAD_INPUT for more than a week.
   */
  presign(key: string, options: PresignOptions): Promise<string>;
  /**
   * Hashes the file and holds it against an object's ETag. Answers the MD5 so that it can be recorded. `known`: what is
   * on record of the version with this ETag; a file with another MD5 than that is told to differ without a request.
   */
  compare(
    file: OpenFile,
    object: { readonly key: string; readonly size: number; readonly etag: string },
    known: { readonly md5: string | null; readonly partSize: number | null },
    signal: AbortSignal,
  ): Promise<{ readonly match: ContentMatch; readonly md5: string; readonly partSize: number | null }>;
  /**
   * Reads an object's bytes into `sink`, in order, waiting for each chunk to be taken, and only of the version with
   * this ETag. Resolves once the content is verified: the size, and the MD5 against the ETag (multipart ETags computed
   * again, `partSize` first), metadata or the server's checksum, as far as they say anything. OBJECT_MISSING,
   * OBJECT_PRECONDITION (another version by now), OBJECT_ARCHIVED (must be restored first), OBJECT_DENIED,
   * OBJECT_UNVERIFIED (what came is not what the bucket says it holds). A broken connection is resumed or retried.
   */
  fetch(
    object: Pick<BucketObject, 'key' | 'size' | 'etag'>,
    partSize: number | null,
    sink: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<FetchedObject>;
  /** Removes the object if it still has this ETag: `deleted`, `missing` (was gone), or `changed` (left alone). */
  remove(key: string, etag: string, signal: AbortSignal): Promise<'deleted' | 'missing' | 'changed'>;
  /**
   * Removes many objects with a few requests, each only if it still has its ETag: `deleted` (also if it was gone),
   * `changed` (left alone), or why it is still there. Never throws for one of them.
   */
  removeMany(
    objects: readonly { readonly key: string; readonly etag: string }[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, 'deleted' | 'changed' | RollcallError>>;
  /**
   * Copies an object on the server, of any size, only the version with this ETag and only under the condition; answers
   * once the copy is proved to hold the source's bytes. OBJECT_PRECONDITION when the source is another version by now
   * or the condition does not hold, unless what is there has the very same bytes; OBJECT_MISSING (no source),
   * OBJECT_ARCHIVED (to be restored first), OBJECT_DENIED, OBJECT_UNVERIFIED.
   */
  copy(request: CopyRequest, signal: AbortSignal): Promise<CopiedObject>;
  /**
   * Asks for an archived object to be made readable. `asked`; `in progress`: it was asked before; `readable`: it need
   * not be restored, or is. OBJECT_MISSING, OBJECT_DENIED, OBJECT_REJECTED (a tier this class does not have, a server
   * without archives).
   */
  restore(key: string, request: RestoreRequest, signal: AbortSignal): Promise<'asked' | 'in progress' | 'readable'>;
  /** Requests sent through this port so far, retries included. */
  requests(): RequestCounts;
  /** How many of these requests were sent because one had failed. */
  retries(): number;
}
