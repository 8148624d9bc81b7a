/**
 * Every error that Rollcall raises on purpose. The table below maps each code once to an HTTP status, a command's
 * exit code and whether trying again may help; nothing else in the project decides any of the three.
 */

interface CodeFacts {
  readonly status: number;
  readonly exit: ExitCode;
  readonly retryable: boolean;
}

/** A command's exit code (DESIGN 13). */
export const ExitCode = { ok: 0, photosFailed: 1, usage: 2, refused: 3, unreachable: 4 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const { photosFailed, usage, refused, unreachable } = ExitCode;

const CODES = {
  // What the user asked for.
  BAD_INPUT: { status: 400, exit: usage, retryable: false },
  BAD_CONFIG: { status: 500, exit: usage, retryable: false },
  BAD_PLAN: { status: 400, exit: usage, retryable: false },
  UNAUTHORIZED: { status: 401, exit: usage, retryable: false },
  FORBIDDEN_SCOPE: { status: 403, exit: usage, retryable: false },
  FORBIDDEN_ORIGIN: { status: 403, exit: usage, retryable: false },
  NOT_FOUND: { status: 404, exit: usage, retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, exit: usage, retryable: false },
  LIBRARY_CONFLICT: { status: 409, exit: usage, retryable: false },
  SYNC_IN_PROGRESS: { status: 409, exit: refused, retryable: true },
  PLAN_APPLIED: { status: 409, exit: usage, retryable: false },
  RUN_ENDED: { status: 409, exit: usage, retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, exit: usage, retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, exit: usage, retryable: false },
  TOO_MANY_LISTENERS: { status: 429, exit: refused, retryable: true },
  INTERNAL: { status: 500, exit: photosFailed, retryable: false },
  CANCELLED: { status: 409, exit: photosFailed, retryable: true },

  // Guards: refused before anything was touched.
  GUARD_ROOT_MISSING: { status: 422, exit: refused, retryable: false },
  GUARD_ROOT_UNREADABLE: { status: 422, exit: refused, retryable: false },
  GUARD_ROOT_NOT_DIRECTORY: { status: 422, exit: refused, retryable: false },
  GUARD_EMPTY_ROOT: { status: 422, exit: refused, retryable: false },
  GUARD_MAX_DELETE: { status: 422, exit: refused, retryable: false },

  // The database.
  DATABASE_UNREACHABLE: { status: 503, exit: unreachable, retryable: true },
  DATABASE_DENIED: { status: 503, exit: unreachable, retryable: false },
  DATABASE_UNSUPPORTED: { status: 503, exit: unreachable, retryable: false },
  DATABASE_MIGRATION: { status: 503, exit: unreachable, retryable: false },
  LOCK_LOST: { status: 503, exit: unreachable, retryable: true },

  // The bucket as a whole.
  BUCKET_UNREACHABLE: { status: 502, exit: unreachable, retryable: true },
  BUCKET_DENIED: { status: 502, exit: unreachable, retryable: false },
  BUCKET_MISSING: { status: 502, exit: unreachable, retryable: false },
  BUCKET_CREDENTIALS: { status: 502, exit: unreachable, retryable: false },
  BUCKET_CLOCK_SKEW: { status: 502, exit: unreachable, retryable: false },

  // One object.
  OBJECT_DENIED: { status: 502, exit: photosFailed, retryable: false },
  OBJECT_UNAVAILABLE: { status: 502, exit: photosFailed, retryable: true },
  OBJECT_PRECONDITION: { status: 409, exit: photosFailed, retryable: true },
  OBJECT_REJECTED: { status: 502, exit: photosFailed, retryable: false },
  OBJECT_MISSING: { status: 404, exit: photosFailed, retryable: false },
  OBJECT_ARCHIVED: { status: 409, exit: photosFailed, retryable: true },
  OBJECT_UNVERIFIED: { status: 502, exit: photosFailed, retryable: true },
  OBJECT_DAMAGED: { status: 502, exit: photosFailed, retryable: false },
  OBJECT_CHANGED: { status: 409, exit: photosFailed, retryable: false },
  LISTING_FAILED: { status: 502, exit: photosFailed, retryable: true },
  LISTING_UNORDERED: { status: 502, exit: photosFailed, retryable: false },

  // One file, folder or name.
  FILE_GONE: { status: 409, exit: photosFailed, retryable: true },
  FILE_UNREADABLE: { status: 422, exit: photosFailed, retryable: false },
  FILE_SKIPPED: { status: 422, exit: photosFailed, retryable: false },
  FILE_EXISTS: { status: 409, exit: photosFailed, retryable: true },
  FILE_UNWRITABLE: { status: 422, exit: photosFailed, retryable: false },
  DISK_FULL: { status: 507, exit: photosFailed, retryable: true },
  FILE_UNSTABLE: { status: 409, exit: photosFailed, retryable: true },
  DISK_DAMAGED: { status: 422, exit: photosFailed, retryable: false },
  SIDES_DIFFER: { status: 409, exit: photosFailed, retryable: false },
  FOLDER_UNREADABLE: { status: 422, exit: photosFailed, retryable: false },
  NAME_COLLISION: { status: 409, exit: photosFailed, retryable: false },
  NAME_TOO_LONG: { status: 422, exit: photosFailed, retryable: false },
  NAME_INVALID: { status: 422, exit: photosFailed, retryable: false },
  MEDIA_FAILED: { status: 500, exit: photosFailed, retryable: true },
  PLAN_STALE: { status: 409, exit: photosFailed, retryable: false },
} as const satisfies Record<string, CodeFacts>;

/** A stable name for what went wrong: it appears in problem documents, reports and the catalog. */
export type ErrorCode = keyof typeof CODES;

/** All of them. */
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(CODES).filter(isErrorCode);

/** Is this string one of Rollcall's error codes? */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(CODES, value);
}

/** An error with a stable code, a message a person can act on, and the error that caused it. */
export class RollcallError extends Error {
  readonly code: ErrorCode;
  /** Which input field or variable is wrong, when it is one. */
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; field?: string } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'RollcallError';
    this.code = code;
    this.field = options.field;
  }

  get retryable(): boolean {
    return CODES[this.code].retryable;
  }

  get status(): number {
    return CODES[this.code].status;
  }

  get exitCode(): ExitCode {
    return CODES[this.code].exit;
  }
}

/**
 * What was thrown, as a RollcallError: itself when it is one, CANCELLED for an abort, INTERNAL for anything that
 * nobody foresaw (its message is kept, its stack only in the cause).
 */
export function asRollcallError(thrown: unknown): RollcallError {
  if (thrown instanceof RollcallError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new RollcallError('CANCELLED', 'the run was cancelled', { cause: thrown });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new RollcallError('INTERNAL', message || 'unknown error', { cause: thrown });
}
