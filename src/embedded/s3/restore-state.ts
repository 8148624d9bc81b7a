/** Where an archived object stands: archived, being restored, restored until a time. */
import { S3Error } from './errors.ts';

export interface RestoreFacts {
  readonly storageClass: string;
  readonly restoreReadyMs: number | null;
  readonly restoreExpiryMs: number | null;
}

export type RestoreState = 'not-archived' | 'archived' | 'ongoing' | 'restored';

/** Is the class one whose objects must be restored before they can be read? */
export function isArchiveClass(storageClass: string): boolean {
  return storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE';
}

/** The state follows from the clock alone: nothing has to happen for a restore to end. */
export function restoreState(facts: RestoreFacts, now: number): RestoreState {
  if (!isArchiveClass(facts.storageClass)) return 'not-archived';
  if (facts.restoreReadyMs === null || facts.restoreExpiryMs === null) return 'archived';
  if (now < facts.restoreReadyMs) return 'ongoing';
  return now < facts.restoreExpiryMs ? 'restored' : 'archived';
}

/** The value of x-amz-restore, null when the header is left out. */
export function restoreHeader(facts: RestoreFacts, now: number): string | null {
  const state = restoreState(facts, now);
  if (state === 'ongoing') return 'ongoing-request="true"';
  if (state !== 'restored') return null;
  return `ongoing-request="false", expiry-date="${new Date(facts.restoreExpiryMs ?? 0).toUTCString()}"`;
}

/** Throws InvalidObjectState when the bytes can't be had without a restore. */
export function requireReadable(facts: RestoreFacts, now: number): void {
  const state = restoreState(facts, now);
  if (state === 'not-archived' || state === 'restored') return;
  throw new S3Error('InvalidObjectState', "The operation is not valid for the object's storage class", {
    StorageClass: facts.storageClass,
  });
}
