/** Learns by trying which of S3's safeguards a bucket honours: compatible servers differ in just these. */
import { createHash, randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { asRollcallError, type ErrorCode } from '../errors.ts';
import type { BucketFeatures, Log } from '../sync/ports.ts';
import { crc32Of, md5Base64 } from './checksums.ts';
import { inForm, unquoted } from './etags.ts';
import type { BucketRequests } from './requests.ts';

/** Nothing proven: every write looks first, and verifies after. */
export const NO_FEATURES: BucketFeatures = {
  createOnly: false,
  replaceOnly: 'none',
  createOnlyMultipart: false,
  deleteOnly: false,
  contentMd5: false,
  checksums: false,
};

const CLEANUP_TIMEOUT_MS = 10_000;
const PROBE_KEY = /(?:^|\/)\.rollcall-probe-[0-9a-f]{32}$/;

/** Is this the key of a probe object, perhaps left behind by a crash? Such objects are never synced. */
export function isProbeKey(key: string): boolean {
  return PROBE_KEY.test(key);
}

/** Is nothing at all known to be honoured? So answers a bucket that did not let the probe be written. */
export function nothingHonoured(features: BucketFeatures): boolean {
  const { createOnly, replaceOnly, createOnlyMultipart, deleteOnly, contentMd5, checksums } = features;
  return !(createOnly || replaceOnly !== 'none' || createOnlyMultipart || deleteOnly || contentMd5 || checksums);
}

/**
 * Writes a tiny object under a name of its own, tries each condition and checksum on it and removes it. NO_FEATURES
 * where it may not be written. Throws what keeps any request from succeeding.
 */
export async function probeFeatures(
  requests: BucketRequests,
  prefix: string,
  log: Log | undefined,
  signal: AbortSignal,
): Promise<BucketFeatures> {
  const probe = new Probe(requests, `${prefix}.rollcall-probe-${randomBytes(16).toString('hex')}`, signal);
  try {
    return await probe.learn();
  } finally {
    await probe.remove(log);
  }
}

type Outcome = 'done' | 'precondition' | 'refused';

/** How a server says no to one request; all other errors concern the bucket or the connection. */
const REFUSALS: Partial<Record<ErrorCode, Outcome>> = {
  OBJECT_PRECONDITION: 'precondition',
  OBJECT_DENIED: 'refused',
  OBJECT_REJECTED: 'refused',
  OBJECT_UNVERIFIED: 'refused',
  OBJECT_MISSING: 'refused',
};

interface PutOptions {
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
  readonly ContentMD5?: string;
  readonly ChecksumCRC32?: string;
}

const SOME_ETAG = createHash('md5').update('another version').digest('hex');
const WRONG_MD5 = md5Base64(SOME_ETAG);

class Probe {
  readonly #requests: BucketRequests;
  readonly #at: { readonly Bucket: string; readonly Key: string };
  readonly #signal: AbortSignal;
  /** ETag of what was written last. */
  #etag = '';
  #puts = 0;
  #written = false;
  #uploadId: string | undefined;

  constructor(requests: BucketRequests, key: string, signal: AbortSignal) {
    this.#requests = requests;
    this.#at = { Bucket: requests.identity.bucket, Key: key };
    this.#signal = signal;
  }

  async learn(): Promise<BucketFeatures> {
    const created = await this.#put({ IfNoneMatch: '*' });
    if (created !== 'done' && (await this.#put({})) !== 'done') return NO_FEATURES;
    const createOnly = created === 'done' && (await this.#put({ IfNoneMatch: '*' })) === 'precondition';
    const replaceOnly = await this.#replaceOnly();
    const contentMd5 = (await this.#put({ ContentMD5: WRONG_MD5 })) === 'refused';
    const checksums = await this.#checksums();
    const createOnlyMultipart = await this.#createOnlyMultipart(replaceOnly);
    // An upload in parts is not always answered with its ETag, and what follows needs to know one.
    await this.#put({});
    const deleteOnly = await this.#deleteOnly();
    return { createOnly, replaceOnly, createOnlyMultipart, deleteOnly, contentMd5, checksums };
  }

  /** Removes what may still be there, whatever has happened to the run. */
  async remove(log: Log | undefined): Promise<void> {
    const signal = AbortSignal.timeout(CLEANUP_TIMEOUT_MS);
    try {
      await this.#abandonUpload(signal);
      if (!this.#written || (await this.#delete({}, signal)) === 'done') return;
      log?.warn({ key: this.#at.Key }, 'A probe object is left behind: the bucket does not let it be removed');
    } catch (error) {
      const { code, message } = asRollcallError(error);
      log?.warn({ code, key: this.#at.Key }, `A probe object could not be removed: ${message}`);
    }
  }

  /** Honoured only if a wrong ETag is refused and the right one is not. */
  async #replaceOnly(): Promise<BucketFeatures['replaceOnly']> {
    for (const form of ['quoted', 'unquoted'] as const) {
      const wrong = await this.#put({ IfMatch: inForm(form, SOME_ETAG) });
      const right = await this.#put({ IfMatch: inForm(form, this.#etag) });
      if (wrong === 'precondition' && right === 'done') return form;
    }
    return 'none';
  }

  /** Honoured only if a wrong checksum is refused and the right one is not. */
  async #checksums(): Promise<boolean> {
    const wrong = await this.#put({ ChecksumCRC32: crc32Of(Buffer.from('other bytes')) });
    const right = await this.#put({ ChecksumCRC32: crc32Of(this.#nextBody()) });
    return wrong === 'refused' && right === 'done';
  }

  /** The same for uploads in parts, in the form that was learnt for whole ones. */
  async #createOnlyMultipart(replaceOnly: BucketFeatures['replaceOnly']): Promise<boolean> {
    if ((await this.#putInParts({ IfNoneMatch: '*' })) !== 'precondition') return false;
    if (replaceOnly === 'none') return true;
    const wrong = await this.#putInParts({ IfMatch: inForm(replaceOnly, SOME_ETAG) });
    const right = await this.#putInParts({ IfMatch: inForm(replaceOnly, this.#etag) });
    return wrong === 'precondition' && right === 'done';
  }

  /** A new upload each time: whether a refused one lives on is up to the server. */
  async #putInParts(options: Pick<PutOptions, 'IfMatch' | 'IfNoneMatch'>): Promise<Outcome> {
    const about = { kind: 'put', doing: 'upload parts of', key: this.#at.Key } as const;
    const outcome = await this.#outcome(async () => {
      const begun = await this.#requests.send(new CreateMultipartUploadCommand(this.#at), about, this.#signal);
      this.#uploadId = begun.UploadId;
      const upload = { ...this.#at, UploadId: this.#uploadId };
      const part = new UploadPartCommand({ ...upload, PartNumber: 1, Body: Buffer.from('part') });
      const { ETag } = await this.#requests.send(part, about, this.#signal);
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload, ...options });
      await this.#requests.send(complete, about, this.#signal);
      this.#uploadId = undefined;
    });
    await this.#abandonUpload(this.#signal);
    return outcome;
  }

  async #deleteOnly(): Promise<boolean> {
    const wrong = await this.#delete({ IfMatch: `"${SOME_ETAG}"` }, this.#signal);
    if (wrong !== 'precondition') return false;
    const right = await this.#delete({ IfMatch: `"${this.#etag}"` }, this.#signal);
    if (right === 'done') this.#written = false;
    return right === 'done';
  }

  async #put(options: PutOptions): Promise<Outcome> {
    const body = this.#nextBody();
    this.#puts++;
    const command = new PutObjectCommand({ ...this.#at, Body: body, ContentType: 'text/plain', ...options });
    const before = this.#written;
    // Set beforehand: a write that ends in an error may have happened all the same, and is cleaned up.
    this.#written = true;
    const outcome = await this.#outcome(async () => {
      const about = { kind: 'put', doing: 'write', key: this.#at.Key } as const;
      this.#etag = unquoted((await this.#requests.send(command, about, this.#signal)).ETag);
    });
    if (outcome !== 'done') this.#written = before;
    return outcome;
  }

  /** Another body each time, so that each version has an ETag of its own. */
  #nextBody(): Buffer {
    return Buffer.from(`Rollcall probe ${this.#puts}`);
  }

  #delete(options: { readonly IfMatch?: string }, signal: AbortSignal): Promise<Outcome> {
    const about = { kind: 'delete', doing: 'remove', key: this.#at.Key } as const;
    return this.#outcome(() =>
      this.#requests.send(new DeleteObjectCommand({ ...this.#at, ...options }), about, signal),
    );
  }

  async #abandonUpload(signal: AbortSignal): Promise<void> {
    if (this.#uploadId === undefined) return;
    const about = { kind: 'delete', doing: 'abandon the upload of', key: this.#at.Key } as const;
    const command = new AbortMultipartUploadCommand({ ...this.#at, UploadId: this.#uploadId });
    await this.#outcome(() => this.#requests.send(command, about, signal));
    this.#uploadId = undefined;
  }

  async #outcome(send: () => Promise<unknown>): Promise<Outcome> {
    try {
      await send();
      return 'done';
    } catch (error) {
      const outcome = REFUSALS[asRollcallError(error).code];
      if (outcome === undefined) throw error;
      return outcome;
    }
  }
}
