/** A tiny object under a name of its own, on which a probe tries one request after another. */
import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { asRollcallError, type ErrorCode } from '../errors.ts';
import type { Log } from '../sync/ports.ts';
import { copySource } from './copy.ts';
import { unquoted } from './etags.ts';
import { deleteCommand, refusalOf } from './remove-many.ts';
import type { BucketRequests } from './requests.ts';

/** How a server took a request: did it, refused its condition, or refused it for another reason. */
export type Outcome = 'done' | 'precondition' | 'refused';

/** How a server says no to one request; all other errors concern the bucket or the connection. */
const REFUSALS: Partial<Record<ErrorCode, Outcome>> = {
  OBJECT_PRECONDITION: 'precondition',
  OBJECT_DENIED: 'refused',
  OBJECT_REJECTED: 'refused',
  OBJECT_UNVERIFIED: 'refused',
  OBJECT_MISSING: 'refused',
};

export interface Conditions {
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
}

export interface PutOptions extends Conditions {
  readonly ContentMD5?: string;
  readonly ChecksumCRC32?: string;
}

const CLEANUP_TIMEOUT_MS = 10_000;
const PROBE_KEY = /(?:^|\/)\.rollcall-probe-[0-9a-f]{32}$/;

/** Is this the key of a probe object, perhaps left behind by a crash? Such objects are never synced. */
export function isProbeKey(key: string): boolean {
  return PROBE_KEY.test(key);
}

export class ProbeObject {
  readonly #requests: BucketRequests;
  readonly #at: { readonly Bucket: string; readonly Key: string };
  readonly #signal: AbortSignal;
  #etag = '';
  #puts = 0;
  #written = false;
  #uploadId: string | undefined;

  constructor(requests: BucketRequests, prefix: string, signal: AbortSignal) {
    this.#requests = requests;
    this.#at = {
      Bucket: requests.identity.bucket,
      Key: `${prefix}.rollcall-probe-${randomBytes(16).toString('hex')}`,
    };
    this.#signal = signal;
  }

  /** Of what was written last. */
  get etag(): string {
    return this.#etag;
  }

  /** What the next `put` writes: another body each time, so that each version has an ETag of its own. */
  get nextBody(): Buffer {
    return Buffer.from(`Rollcall probe ${this.#puts}`);
  }

  put(options: PutOptions): Promise<Outcome> {
    const body = this.nextBody;
    this.#puts++;
    const command = new PutObjectCommand({ ...this.#at, Body: body, ContentType: 'text/plain', ...options });
    return this.#write(async () => {
      const about = { kind: 'put', doing: 'write', key: this.#at.Key } as const;
      return (await this.#requests.send(command, about, this.#signal)).ETag;
    });
  }

  /** Copies another probe object to this one's key. */
  copyFrom(source: ProbeObject, conditions: Conditions): Promise<Outcome> {
    const { CopySource } = copySource(this.#at.Bucket, { key: source.#at.Key, etag: source.etag });
    const command = new CopyObjectCommand({ ...this.#at, CopySource, ...conditions });
    return this.#write(async () => {
      const about = { kind: 'copy', doing: 'copy to', key: this.#at.Key } as const;
      const { CopyObjectResult } = await this.#requests.send(command, about, this.#signal);
      return CopyObjectResult?.ETag || source.etag;
    });
  }

  /** A new upload each time: whether a refused one lives on is up to the server. */
  async putInParts(conditions: Conditions): Promise<Outcome> {
    const about = { kind: 'put', doing: 'upload parts of', key: this.#at.Key } as const;
    const outcome = await this.#outcome(async () => {
      const begun = await this.#requests.send(new CreateMultipartUploadCommand(this.#at), about, this.#signal);
      this.#uploadId = begun.UploadId;
      const upload = { ...this.#at, UploadId: this.#uploadId };
      const part = new UploadPartCommand({ ...upload, PartNumber: 1, Body: Buffer.from('part') });
      const { ETag } = await this.#requests.send(part, about, this.#signal);
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload, ...conditions });
      await this.#requests.send(complete, about, this.#signal);
      this.#uploadId = undefined;
    });
    await this.#abandonUpload(this.#signal);
    return outcome;
  }

  async delete(conditions: Conditions, signal = this.#signal): Promise<Outcome> {
    const about = { kind: 'delete', doing: 'remove', key: this.#at.Key } as const;
    const command = new DeleteObjectCommand({ ...this.#at, ...conditions });
    return this.#gone(await this.#outcome(() => this.#requests.send(command, about, signal)));
  }

  /** The same by a DeleteObjects that names this ETag. */
  async deleteAmongMany(etag: string): Promise<Outcome> {
    const { Bucket, Key } = this.#at;
    const about = { kind: 'delete', doing: 'remove', key: Key } as const;
    const outcome = await this.#outcome(async () => {
      const command = deleteCommand(Bucket, [{ key: Key, etag }], true);
      const [error] = (await this.#requests.send(command, about, this.#signal)).Errors ?? [];
      if (error !== undefined) throw refusalOf(this.#requests, Key, error);
    });
    return this.#gone(outcome);
  }

  /** Removes what may still be there, whatever has happened to the run. */
  async remove(log: Log | undefined): Promise<void> {
    const signal = AbortSignal.timeout(CLEANUP_TIMEOUT_MS);
    try {
      await this.#abandonUpload(signal);
      if (!this.#written || (await this.delete({}, signal)) === 'done') return;
      log?.warn({ key: this.#at.Key }, 'A probe object is left behind: the bucket does not let it be removed');
    } catch (error) {
      const { code, message } = asRollcallError(error);
      log?.warn({ code, key: this.#at.Key }, `A probe object could not be removed: ${message}`);
    }
  }

  async #write(send: () => Promise<string | undefined>): Promise<Outcome> {
    const before = this.#written;
    // Set beforehand: a write that ends in an error may have happened all the same, and is cleaned up.
    this.#written = true;
    const outcome = await this.#outcome(async () => {
      this.#etag = unquoted(await send());
    });
    if (outcome !== 'done') this.#written = before;
    return outcome;
  }

  #gone(outcome: Outcome): Outcome {
    if (outcome === 'done') this.#written = false;
    return outcome;
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
