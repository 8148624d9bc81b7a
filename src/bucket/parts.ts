/** The parts of one upload: read and hashed in order, sent unless the server has them already. */
import { createHash } from 'node:crypto';
import { UploadPartCommand } from '@aws-sdk/client-s3';
import type { ConfirmedPart, UploadRequest } from '../sync/bucket-port.ts';
import type { Log } from '../sync/ports.ts';
import type { Lease } from './body-memory.ts';
import { sameEtag, unquoted } from './etags.ts';
import type { Slots } from './slots.ts';
import type { HeldPart, UploadAddress } from './unfinished.ts';
import type { UploadContext } from './upload.ts';

export interface MultipartContext extends UploadContext {
  /** One for each part under way, over all uploads of the bucket. */
  readonly slots: Slots;
  readonly log: Log | undefined;
}

/** What an earlier try has left of an upload. */
export interface EarlierParts {
  /** As the server says now. */
  readonly held: ReadonlyMap<number, HeldPart>;
  /** As it confirmed them then. */
  readonly confirmed: ReadonlyMap<number, ConfirmedPart>;
}

/** An upload in parts under way. */
export interface PartedUpload {
  readonly context: MultipartContext;
  readonly request: UploadRequest;
  readonly at: UploadAddress;
  /** Bytes. */
  readonly partSize: number;
  /** What its metadata says of the content as a whole, if anything. */
  readonly md5: string | null;
  /** Null: it was begun just now. */
  readonly earlier: EarlierParts | null;
}

export interface SentParts {
  readonly md5: string;
  readonly partMd5s: readonly Buffer[];
  /** As the server named the parts: under KMS not their MD5s. */
  readonly partEtags: readonly string[];
  /** Bytes of the parts that were there already. */
  readonly resumed: number;
}

/** A part as the file has it. */
export interface ReadPart {
  readonly number: number;
  readonly body: Buffer;
  readonly md5: Buffer;
}

/** Reads the file once, in order; as many parts are under way as there are slots. Waits for all of them. */
export async function sendParts(upload: PartedUpload, signal: AbortSignal): Promise<SentParts> {
  const { file } = upload.request;
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const whole = createHash('md5');
  const partMd5s: Buffer[] = [];
  const sending: Promise<string>[] = [];
  let resumed = 0;
  try {
    for (let offset = 0; offset < file.facts.size; offset += upload.partSize) {
      const length = Math.min(upload.partSize, file.facts.size - offset);
      const turn = await takeTurn(upload.context, length, either);
      try {
        const body = await file.read(offset, length, either, turn.room);
        whole.update(body);
        const md5 = createHash('md5').update(body).digest();
        partMd5s.push(md5);
        const part = { number: partMd5s.length, body, md5 };
        const there = finishedPart(upload.earlier, part);
        if (there !== null) resumed += body.length;
        const { retries } = upload.context.requests;
        const brought = there === null ? sendPart(upload, part, either) : keepPart(upload, part, there);
        const settled = brought.then(
          (etag) => {
            // A try before this one may have been answered before it was sent whole.
            turn.end(upload.context.requests.retries === retries);
            return etag;
          },
          (error: unknown) => {
            turn.end(false);
            failed.abort(error);
            return '';
          },
        );
        sending.push(settled);
      } catch (error) {
        turn.end(false);
        throw error;
      }
    }
  } catch (error) {
    failed.abort(error);
  }
  const partEtags = await Promise.all(sending);
  // The first failure; those that it brought about are not reported.
  if (failed.signal.aborted) throw failed.signal.reason;
  return { md5: whole.digest('hex'), partMd5s, partEtags, resumed };
}

/** A slot, and memory for the part: nobody waits for a slot who has memory. */
async function takeTurn({ slots, memory }: MultipartContext, bytes: number, signal: AbortSignal): Promise<Lease> {
  const release = await slots.take(signal);
  try {
    const { room, end } = await memory.take(bytes, signal);
    const endBoth = (reusable: boolean) => {
      end(reusable);
      release();
    };
    return { room, end: endBoth };
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * The part that the server holds under this number, if it is sure to be these bytes: its ETag is their MD5, or, where
 * ETags are none, the one under which the server confirmed these bytes.
 */
export function finishedPart(earlier: EarlierParts | null, { number, body, md5 }: ReadPart): HeldPart | null {
  const held = earlier?.held.get(number);
  if (held === undefined || held.size !== body.length) return null;
  const hex = md5.toString('hex');
  if (sameEtag(held.etag, hex)) return held;
  const confirmed = earlier?.confirmed.get(number);
  return confirmed !== undefined && confirmed.md5 === hex && sameEtag(confirmed.etag, held.etag) ? held : null;
}

async function keepPart({ request }: PartedUpload, { body }: ReadPart, { etag }: HeldPart): Promise<string> {
  request.onResumed?.(body.length);
  return `"${etag}"`;
}

async function sendPart(
  { context, request, at }: PartedUpload,
  { number, body, md5 }: ReadPart,
  signal: AbortSignal,
): Promise<string> {
  const { key, onBytes, memory } = request;
  const command = new UploadPartCommand({ ...at, PartNumber: number, Body: body, ContentMD5: md5.toString('base64') });
  const about = { kind: 'put', doing: `write part ${number} of`, key } as const;
  const { ETag } = await context.requests.send(command, about, signal);
  onBytes?.(body.length);
  const hex = md5.toString('hex');
  await memory?.confirmed(at.UploadId, { number, etag: ETag === undefined ? hex : unquoted(ETag), md5: hex });
  return ETag ?? `"${hex}"`;
}
