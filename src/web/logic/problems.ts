/** What a person can do about an error, by its code. The server's message says what happened; this says what now. */

const ADVICE: Readonly<Record<string, string>> = {
  UNAUTHORIZED: 'Enter a token of this server: the value of API_TOKEN, or one that rollcall token made.',
  FORBIDDEN_SCOPE:
    'The token that you gave may not do this. Ask for one that may, and enter it after “Other token” below.',
  TOO_MANY_LISTENERS: 'Too many pages follow runs at the moment. Close some; this one asks again by itself.',
  FORBIDDEN_ORIGIN: 'Open this page at localhost or 127.0.0.1, or start the server with API_TOKEN.',
  NOT_FOUND: 'It may have been removed or renamed since. Go back and look for it again.',
  LIBRARY_CONFLICT: 'Choose another name, bucket or prefix: a place in a bucket belongs to one library.',
  SYNC_IN_PROGRESS: 'A run is at work there. Wait for it to end, or cancel it under Runs.',
  PLAN_APPLIED: 'Preview again for what is left to do.',
  PLAN_STALE: 'It has changed since the preview, so it was left as it is. Retry it, or preview again.',
  RUN_ENDED: 'The run is over; nothing was left to cancel.',
  CANCELLED: 'What was done before stays done. Run it again to go on where it stopped.',
  GUARD_ROOT_MISSING: 'Mount the disk or correct the root of the library. Nothing was touched.',
  GUARD_ROOT_UNREADABLE: 'Give the account that Rollcall runs under the right to read the root. Nothing was touched.',
  GUARD_ROOT_NOT_DIRECTORY: 'The root of the library must be a folder. Correct it under Libraries.',
  GUARD_EMPTY_ROOT:
    'The root is empty though photos are on record: most likely its disk is not mounted. Mount it and sync again.',
  GUARD_MAX_DELETE:
    'More would be deleted than MAX_DELETE allows. Look through the preview; if it is right, raise MAX_DELETE.',
  DATABASE_UNREACHABLE: 'Start PostgreSQL, or correct DATABASE_URL. This page tries again by itself.',
  DATABASE_DENIED: 'Check user and password in DATABASE_URL.',
  DATABASE_UNSUPPORTED: 'Use PostgreSQL 14 or newer.',
  DATABASE_MIGRATION: 'The log of the server says which migration failed.',
  LOCK_LOST: 'The connection to the database broke during the run. Run it again.',
  BUCKET_UNREACHABLE: 'Check the network and S3_ENDPOINT. Nothing is taken for missing meanwhile.',
  BUCKET_DENIED:
    'Give these credentials the right to list, read and write the bucket (docs/operations.md has the policy).',
  BUCKET_MISSING: 'Make the bucket, or correct its name.',
  BUCKET_CREDENTIALS: 'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  BUCKET_CLOCK_SKEW: "Set the server's clock: S3 refuses requests that are minutes off.",
  OBJECT_DENIED: 'Give these credentials the right to read and write under this prefix.',
  OBJECT_UNAVAILABLE: 'The bucket did not answer for this object. Retry.',
  OBJECT_PRECONDITION: 'Somebody else wrote the object in between. Retry: it will be compared anew.',
  OBJECT_REJECTED: 'The bucket refused the object; its message says why.',
  OBJECT_MISSING: 'Upload it again, if the file is on disk.',
  OBJECT_ARCHIVED: 'Ask for its restore under Archive.',
  OBJECT_UNVERIFIED: 'What arrived is not what was sent. Retry.',
  OBJECT_DAMAGED: 'Upload it again from the disk, whose bytes are those on record.',
  OBJECT_CHANGED: 'The object was replaced by somebody. Compare both sides and decide which is right.',
  LISTING_FAILED: 'The listing broke off, so nothing was marked or deleted. Sync again.',
  LISTING_UNORDERED: 'This server lists out of order, which cannot be relied on.',
  FILE_GONE: 'The file went away while it was read. Sync again.',
  FILE_UNREADABLE: 'Give the account that Rollcall runs under the right to read the file, then retry.',
  FILE_EXISTS: 'A file of this name is there by now. Sync again.',
  FILE_UNWRITABLE: 'Give the account that Rollcall runs under the right to write into the folder, then retry.',
  DISK_FULL: 'Make room on the disk, then retry.',
  FILE_UNSTABLE: 'The file is being written. The next sync takes it.',
  DISK_DAMAGED: 'The file changed though its date did not. Compare both sides; the bucket may hold the good version.',
  SIDES_DIFFER: 'Compare both sides and decide which is right.',
  FOLDER_UNREADABLE: 'Give the account that Rollcall runs under the right to read the folder, then sync again.',
  NAME_COLLISION: 'Two files have names that look the same. Rename one of them.',
  NAME_TOO_LONG: 'Shorten the name or the folders above it: S3 takes 1,024 bytes.',
  NAME_INVALID: 'Rename it: this name cannot be kept on both sides.',
  MEDIA_FAILED: 'The picture could not be read. The photo itself is synced all the same.',
  PAYLOAD_TOO_LARGE: 'Choose fewer files at a time.',
  INTERNAL: "The server's log tells more, at the number below.",
};

const OFFLINE = 'The server does not answer. Is rollcall serve running? This page tries again by itself.';

export interface Told {
  readonly what: string;
  /** Null: nothing better than trying again. */
  readonly advice: string | null;
  readonly code: string | null;
  /** The occurrence as the log has it. */
  readonly instance: string | null;
  readonly field: string | null;
}

/** An error in the words of this page. Whatever was thrown: nobody ever sees a stack. */
export function tell(thrown: unknown): Told {
  if (!(thrown instanceof Error)) return told('Something went wrong.', null);
  const { code, instance, field } = thrown as Partial<Record<'code' | 'instance' | 'field', unknown>>;
  if (typeof code !== 'string') return told('Something went wrong in this page.', 'Reload it.');
  // As session.ts calls it.
  if (code === 'OFFLINE') return told('The server cannot be reached.', OFFLINE);
  return {
    what: sentence(thrown.message),
    advice: ADVICE[code] ?? null,
    code,
    instance: code === 'INTERNAL' && typeof instance === 'string' ? instance : null,
    field: typeof field === 'string' ? field : null,
  };
}

/** May asking again, without anybody doing anything, bring an answer? Where nothing is found, or is refused, it will not. */
export function mayPass(thrown: unknown): boolean {
  const { code, status } = (thrown ?? {}) as Partial<Record<'code' | 'status', unknown>>;
  return code === 'OFFLINE' || (typeof status === 'number' && status >= 502 && status <= 504);
}

/** What to do about a failure of this code; null: there is nothing to say beyond its message. */
export function adviceFor(code: string): string | null {
  return ADVICE[code] ?? null;
}

function told(what: string, advice: string | null): Told {
  return { what, advice, code: null, instance: null, field: null };
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
