/**
 * The only place where what the AWS SDK throws becomes a RollcallError. A HEAD's refusal has no body and hence no
 * name, some servers send empty messages: so every message says itself what was asked of which key or bucket, what
 * came back and what to check.
 */
import { type ErrorCode, RollcallError } from '../errors.ts';

/** What was asked, and of what. Without a key it concerns the bucket as a whole. */
export interface RequestSubject {
  /** Begins the message: `cannot <doing> s3://bucket/key: …`. */
  readonly doing: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly key?: string;
  /** What a denied request of the bucket as a whole wants; left out: s3:ListBucket. */
  readonly right?: string;
}

/**
 * What a server or the network answered. The SDK's own error is not kept as the cause: it carries the request with
 * its signature, and what is logged must not.
 */
export class S3Failure extends Error {
  /** Null: no answer at all. */
  readonly status: number | null;
  /** How often the request was sent. */
  readonly attempts: number;
  readonly requestId: string | null;

  constructor(thrown: unknown) {
    const facts = factsOf(thrown);
    super(facts.message);
    this.name = facts.name;
    this.status = facts.status;
    this.attempts = facts.attempts;
    this.requestId = facts.requestId;
  }
}

interface Facts {
  readonly name: string;
  /** Of the operating system or of TLS, like ECONNREFUSED. */
  readonly systemCode: string | null;
  readonly status: number | null;
  readonly message: string;
  readonly attempts: number;
  readonly requestId: string | null;
  /** The region that a redirect names. */
  readonly region: string | null;
}

interface Verdict {
  readonly code: ErrorCode;
  readonly why: string;
}

/** Codes by which servers refuse the credentials themselves. */
const CREDENTIAL_FAULTS: ReadonlySet<string> = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'InvalidClientTokenId',
]);

/** What the server received is not what was sent: worth another try. */
const CORRUPTED: ReadonlySet<string> = new Set([
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
]);

/** Of errors that may come without one: named in a body, or inside an answer of status 200. */
const STATUSES: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  PreconditionFailed: 412,
  InternalError: 500,
  ServiceUnavailable: 503,
  SlowDown: 503,
};

/** Translates what an S3 request threw. A RollcallError passes unchanged. */
export function toRollcallError(thrown: unknown, subject: RequestSubject): RollcallError {
  if (thrown instanceof RollcallError) return thrown;
  const facts = factsOf(thrown);
  const verdict = facts.status === null ? withoutAnswer(facts, subject) : withAnswer(facts, facts.status, subject);
  const where = `s3://${subject.bucket}${subject.key === undefined ? '' : `/${subject.key}`}`;
  return new RollcallError(verdict.code, `cannot ${subject.doing} ${where}: ${verdict.why}`, {
    cause: new S3Failure(thrown),
  });
}

/** What an answer says in its body of one of its keys, as DeleteObjects does; there it has no status. */
export function answeredError(
  { code, message }: { readonly code: string; readonly message: string },
  subject: RequestSubject,
): RollcallError {
  return toRollcallError({ name: code, message, $metadata: { httpStatusCode: STATUSES[code] ?? 400 } }, subject);
}

/** How often a request that threw this was sent. */
export function attemptsOf(thrown: unknown): number {
  return factsOf(thrown).attempts;
}

function withoutAnswer(facts: Facts, { endpoint }: RequestSubject): Verdict {
  if (facts.name === 'CredentialsProviderError' || facts.name === 'TokenProviderError') {
    const why = 'there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE';
    return { code: 'BUCKET_CREDENTIALS', why };
  }
  if (facts.name === 'TimeoutError' || facts.systemCode !== null) {
    const tries = facts.attempts > 1 ? ` after ${facts.attempts} tries` : '';
    const what = facts.systemCode ?? 'no answer in time';
    const why = `${hostOf(endpoint)} cannot be reached${tries} (${what}); check S3_ENDPOINT and the network`;
    return { code: 'BUCKET_UNREACHABLE', why };
  }
  return { code: 'INTERNAL', why: facts.message || facts.name };
}

function withAnswer(facts: Facts, status: number, subject: RequestSubject): Verdict {
  const seen = seenAs(facts, status);
  const { bucket, endpoint, key } = subject;
  if (status < 300) {
    const why = `the answer (${status}) cannot be read; check that S3_ENDPOINT is an S3 server`;
    return { code: key === undefined ? 'BUCKET_UNREACHABLE' : 'OBJECT_UNAVAILABLE', why };
  }
  if (isWrongRegion(facts, status)) return wrongRegion(facts, subject);
  if (CREDENTIAL_FAULTS.has(facts.name)) {
    return {
      code: 'BUCKET_CREDENTIALS',
      why: `the credentials are not accepted (${seen}); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
    };
  }
  if (facts.name === 'RequestTimeTooSkewed' || facts.name === 'RequestExpired') {
    return {
      code: 'BUCKET_CLOCK_SKEW',
      why: `this machine's clock and the server's differ too much (${seen}); set the clock`,
    };
  }
  if (facts.name === 'NoSuchBucket' || facts.name === 'InvalidBucketName' || (status === 404 && key === undefined)) {
    return {
      code: 'BUCKET_MISSING',
      why: `there is no bucket ${bucket} at ${hostOf(endpoint)} (${seen}); check S3_BUCKET and S3_ENDPOINT`,
    };
  }
  return key === undefined ? aboutBucket(status, seen, subject) : aboutObject(facts, status, seen);
}

function aboutBucket(status: number, seen: string, { right = 's3:ListBucket' }: RequestSubject): Verdict {
  if (status === 403) {
    return { code: 'BUCKET_DENIED', why: `access denied (${seen}); the credentials need ${right} on this bucket` };
  }
  if (status === 429 || (status >= 500 && status !== 501)) {
    return { code: 'BUCKET_UNREACHABLE', why: `the server cannot answer now (${seen}); try again later` };
  }
  return {
    code: 'BUCKET_DENIED',
    why: `the server refuses (${seen}); check S3_ENDPOINT, S3_REGION and the bucket's settings`,
  };
}

function aboutObject(facts: Facts, status: number, seen: string): Verdict {
  if (facts.name === 'InvalidObjectState') {
    const why = `it is archived (${seen}) and must be restored before it can be read: rollcall restore`;
    return { code: 'OBJECT_ARCHIVED', why };
  }
  if (status === 403) {
    const why = `access denied (${seen}); check the credentials and what the bucket's policy lets them do`;
    return { code: 'OBJECT_DENIED', why };
  }
  if (status === 404) {
    const what = facts.name === 'NoSuchUpload' ? 'upload' : 'object';
    return { code: 'OBJECT_MISSING', why: `there is no such ${what} (${seen})` };
  }
  // 416: shorter by now than what a broken download is to go on with.
  if (status === 412 || status === 416 || facts.name === 'ConditionalRequestConflict') {
    return { code: 'OBJECT_PRECONDITION', why: `the object has been created, replaced or removed meanwhile (${seen})` };
  }
  if (CORRUPTED.has(facts.name)) {
    return { code: 'OBJECT_UNVERIFIED', why: `the server received other bytes than were sent (${seen})` };
  }
  if (status === 429 || facts.name === 'OperationAborted' || (status >= 500 && status !== 501)) {
    return { code: 'OBJECT_UNAVAILABLE', why: `the server cannot answer now (${seen}); the next run tries again` };
  }
  return { code: 'OBJECT_REJECTED', why: `the server refuses (${seen})` };
}

function isWrongRegion(facts: Facts, status: number): boolean {
  return (
    (status >= 300 && status < 400 && status !== 304) ||
    (facts.name === 'AuthorizationHeaderMalformed' && facts.region !== null) ||
    facts.name === 'IllegalLocationConstraintException'
  );
}

function wrongRegion(facts: Facts, { bucket, endpoint }: RequestSubject): Verdict {
  const why =
    facts.region === null
      ? `the bucket is in another region or at another endpoint (${facts.name}); check S3_REGION and S3_ENDPOINT`
      : `${bucket} is in region ${facts.region}; set S3_REGION=${facts.region}`;
  return { code: 'BUCKET_MISSING', why: `${hostOf(endpoint)} redirects: ${why}` };
}

/** `403 AccessDenied: the message`, as much of it as there is. */
function seenAs(facts: Facts, status: number): string {
  const nameless = ['', 'Error', 'Unknown', 'UnknownError', 'S3ServiceException', String(status)];
  const name = nameless.includes(facts.name) ? '' : ` ${facts.name}`;
  const message = [...nameless, facts.name].includes(facts.message) ? '' : `: ${facts.message}`;
  return `${status}${name}${message}`;
}

/** An endpoint's host and port, without a user name or password that its address may hold. */
function hostOf(endpoint: string): string {
  if (endpoint === 'aws') return 'Amazon S3';
  return URL.canParse(endpoint) ? new URL(endpoint).host : 'the S3 endpoint';
}

function factsOf(thrown: unknown): Facts {
  const error = fields(thrown);
  const metadata = fields(error['$metadata']);
  const response = fields(error['$response']);
  const name = text(error['name']) ?? 'Error';
  const sent = metadata['httpStatusCode'] ?? response['statusCode'];
  // The SDK gives whatever error comes inside an answer of 200 the status 503.
  const status = sent === 503 ? (STATUSES[name] ?? sent) : sent;
  const attempts = metadata['attempts'];
  return {
    name,
    // A TypeError's code (ERR_…) is about a mistake in the program.
    systemCode: thrown instanceof TypeError ? null : text(error['code']),
    status: typeof status === 'number' ? status : null,
    message: text(error['message']) ?? '',
    attempts: typeof attempts === 'number' ? attempts : 1,
    requestId: text(metadata['requestId']),
    region: text(fields(response['headers'])['x-amz-bucket-region']) ?? text(error['Region']),
  };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
