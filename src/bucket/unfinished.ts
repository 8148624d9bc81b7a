/** Uploads in parts that have not ended: which there are, what they hold, and an end to them. */
import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
} from '@aws-sdk/client-s3';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { UnfinishedUpload } from '../sync/bucket-port.ts';
import type { Log } from '../sync/ports.ts';
import { unquoted } from './etags.ts';
import type { BucketRequests } from './requests.ts';

/** An upload in parts that was begun. */
export interface UploadAddress {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

/** A part as the server says it holds it. */
export interface HeldPart {
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
}

/** Where a list of uploads goes on. */
interface Markers {
  readonly KeyMarker?: string;
  readonly UploadIdMarker?: string;
}

const ABORT_TIMEOUT_MS = 10_000;

/** What the server holds of an upload, by number. OBJECT_MISSING if it has ended. */
export async function heldParts(
  requests: BucketRequests,
  at: UploadAddress,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, HeldPart>> {
  const held = new Map<number, HeldPart>();
  for (let marker: string | undefined; ; ) {
    const page: ListPartsCommandOutput = await requests.send(
      new ListPartsCommand({ ...at, ...(marker !== undefined && { PartNumberMarker: marker }) }),
      { kind: 'list', doing: 'list the parts of', key: at.Key },
      signal,
    );
    for (const { PartNumber, Size, ETag, LastModified } of page.Parts ?? []) {
      if (PartNumber === undefined || Size === undefined) continue;
      held.set(PartNumber, { size: Size, etag: unquoted(ETag), modifiedMs: LastModified?.getTime() ?? 0 });
    }
    if (page.IsTruncated !== true) return held;
    const next = page.NextPartNumberMarker;
    if (next === undefined || next === marker) {
      throw new RollcallError(
        'OBJECT_REJECTED',
        `cannot list the parts of ${at.Key}: where the list goes on is not told`,
      );
    }
    marker = next;
  }
}

/** See BucketPort.unfinishedUploads. */
export async function* unfinishedUploads(
  requests: BucketRequests,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<readonly UnfinishedUpload[]> {
  const ask = { Bucket: requests.identity.bucket, Prefix: prefix };
  const about = {
    kind: 'list',
    doing: 'list the unfinished uploads in',
    right: 's3:ListBucketMultipartUploads',
  } as const;
  for (let after: Markers = {}; ; ) {
    const command = new ListMultipartUploadsCommand({ ...ask, ...after });
    const page: ListMultipartUploadsCommandOutput = await requests.send(command, about, signal);
    yield (page.Uploads ?? []).flatMap(({ Key, UploadId, Initiated }) => {
      if (Key === undefined || UploadId === undefined || Initiated === undefined) return [];
      return Key.startsWith(prefix) ? [{ key: Key, uploadId: UploadId, startedAtMs: Initiated.getTime() }] : [];
    });
    if (page.IsTruncated !== true) return;
    const { NextKeyMarker, NextUploadIdMarker } = page;
    const goesOn = NextKeyMarker !== after.KeyMarker || NextUploadIdMarker !== after.UploadIdMarker;
    if (NextKeyMarker === undefined || !goesOn) {
      throw new RollcallError('LISTING_FAILED', 'the list of unfinished uploads does not say where it goes on');
    }
    after = {
      KeyMarker: NextKeyMarker,
      ...(NextUploadIdMarker !== undefined && { UploadIdMarker: NextUploadIdMarker }),
    };
  }
}

/** See BucketPort.lastPartAt. */
export async function lastPartAt(
  requests: BucketRequests,
  { key, uploadId, startedAtMs }: UnfinishedUpload,
  signal: AbortSignal,
): Promise<number | null> {
  try {
    const held = await heldParts(requests, { Bucket: requests.identity.bucket, Key: key, UploadId: uploadId }, signal);
    return [...held.values()].reduce((latest, { modifiedMs }) => Math.max(latest, modifiedMs), startedAtMs);
  } catch (error) {
    if (asRollcallError(error).code === 'OBJECT_MISSING') return null;
    throw error;
  }
}

/** See BucketPort.abortUpload. */
export async function abortUpload(requests: BucketRequests, at: UploadAddress, signal: AbortSignal): Promise<void> {
  const about = { kind: 'delete', doing: 'abandon the upload of', key: at.Key } as const;
  try {
    await requests.send(new AbortMultipartUploadCommand(at), about, signal);
  } catch (error) {
    if (asRollcallError(error).code !== 'OBJECT_MISSING') throw error;
  }
}

/**
 * Parts of an upload that is neither completed nor abandoned are paid for and seen by nobody. Is it ended now? Never
 * throws, and goes on when the run is aborted.
 */
export async function abandonUpload(
  { requests, log }: { readonly requests: BucketRequests; readonly log: Log | undefined },
  at: UploadAddress,
): Promise<boolean> {
  try {
    await abortUpload(requests, at, AbortSignal.timeout(ABORT_TIMEOUT_MS));
    return true;
  } catch (error) {
    const { code, message } = asRollcallError(error);
    log?.warn({ code, key: at.Key }, `An unfinished upload could not be removed: ${message}`);
    return false;
  }
}
