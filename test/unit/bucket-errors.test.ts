import { describe, expect, test } from 'vitest';
import { answeredError, attemptsOf, toRollcallError } from '../../src/bucket/errors.ts';
import { RollcallError } from '../../src/errors.ts';

/** What the SDK throws, as far as it is looked at. */
const answer = (status: number, name = 'Unknown', message = 'UnknownError', more: object = {}): Error =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status, attempts: 1 }, ...more });
const silence = (code: string, attempts = 6): Error => Object.assign(new Error('x'), { code, $metadata: { attempts } });

const bucket = { doing: 'list', endpoint: 'https://user:secret@s3.example.org:9000', bucket: 'photos' };
const object = { ...bucket, doing: 'write', key: '2024/a b.jpg' };

describe('what S3 threw becomes one code', () => {
  test.each([
    ['a denied bucket', bucket, answer(403, 'AccessDenied'), 'BUCKET_DENIED'],
    ['a denied object, without a name', object, answer(403), 'OBJECT_DENIED'],
    ['a missing object', object, answer(404, 'NoSuchKey'), 'OBJECT_MISSING'],
    ['a missing bucket, met at an object', object, answer(404, 'NoSuchBucket'), 'BUCKET_MISSING'],
    ['a missing bucket, without a name', bucket, answer(404, 'NotFound'), 'BUCKET_MISSING'],
    ['a wrong access key', object, answer(403, 'InvalidAccessKeyId'), 'BUCKET_CREDENTIALS'],
    ['a wrong secret', bucket, answer(403, 'SignatureDoesNotMatch'), 'BUCKET_CREDENTIALS'],
    ['a token that ran out', object, answer(400, 'ExpiredToken'), 'BUCKET_CREDENTIALS'],
    [
      'no credentials',
      bucket,
      Object.assign(new Error('x'), { name: 'CredentialsProviderError' }),
      'BUCKET_CREDENTIALS',
    ],
    ['a wrong clock', object, answer(403, 'RequestTimeTooSkewed'), 'BUCKET_CLOCK_SKEW'],
    ['a refused connection', object, silence('ECONNREFUSED'), 'BUCKET_UNREACHABLE'],
    ['an unknown host', bucket, silence('ENOTFOUND'), 'BUCKET_UNREACHABLE'],
    ['a wrong certificate', bucket, silence('DEPTH_ZERO_SELF_SIGNED_CERT', 1), 'BUCKET_UNREACHABLE'],
    ['silence', object, Object.assign(new Error('x'), { name: 'TimeoutError' }), 'BUCKET_UNREACHABLE'],
    ['a condition that does not hold', object, answer(412, 'PreconditionFailed'), 'OBJECT_PRECONDITION'],
    ['two writers at once', object, answer(409, 'ConditionalRequestConflict'), 'OBJECT_PRECONDITION'],
    ['a fault of the server', object, answer(500, 'InternalError'), 'OBJECT_UNAVAILABLE'],
    ['throttling', object, answer(503, 'SlowDown'), 'OBJECT_UNAVAILABLE'],
    ['throttling of a listing', bucket, answer(503, 'SlowDown'), 'BUCKET_UNREACHABLE'],
    [
      'a denial inside an answer of 200, which the SDK makes a 503',
      object,
      answer(503, 'AccessDenied'),
      'OBJECT_DENIED',
    ],
    ['what a server has not built', object, answer(501, 'NotImplemented'), 'OBJECT_REJECTED'],
    ['a request it does not like', object, answer(400, 'EntityTooLarge'), 'OBJECT_REJECTED'],
    ['a locked object', object, answer(405, 'MethodNotAllowed'), 'OBJECT_REJECTED'],
    ['bytes that arrived broken', object, answer(400, 'BadDigest'), 'OBJECT_UNVERIFIED'],
    ['a redirect', bucket, answer(301, 'PermanentRedirect'), 'BUCKET_MISSING'],
    ['an answer that is no XML', bucket, answer(200, 'SyntaxError'), 'BUCKET_UNREACHABLE'],
    ['an answer about an object that is no XML', object, answer(200, 'SyntaxError'), 'OBJECT_UNAVAILABLE'],
    ['a mistake of our own', object, new TypeError('no key'), 'INTERNAL'],
    [
      'a mistake of our own with a code',
      object,
      Object.assign(new TypeError('x'), { code: 'ERR_INVALID_CHAR' }),
      'INTERNAL',
    ],
  ])('%s', (_what, subject, thrown, code) => {
    expect(toRollcallError(thrown, subject).code).toBe(code);
  });

  test('an error that was translated already stays as it is', () => {
    const error = new RollcallError('FILE_GONE', 'gone');
    expect(toRollcallError(error, object)).toBe(error);
  });
});

describe('what an answer says of one of its keys becomes a code', () => {
  test.each([
    ['AccessDenied', 'OBJECT_DENIED'],
    ['NoSuchKey', 'OBJECT_MISSING'],
    ['PreconditionFailed', 'OBJECT_PRECONDITION'],
    ['ConditionalRequestConflict', 'OBJECT_PRECONDITION'],
    ['InternalError', 'OBJECT_UNAVAILABLE'],
    ['SlowDown', 'OBJECT_UNAVAILABLE'],
    ['KeyTooLongError', 'OBJECT_REJECTED'],
    ['', 'OBJECT_REJECTED'],
  ])('%s', (code, expected) => {
    const error = answeredError({ code, message: 'why' }, { ...object, doing: 'remove' });
    expect(error.code).toBe(expected);
    expect(error.message).toContain('cannot remove s3://photos/2024/a b.jpg: ');
  });
});

describe('the message', () => {
  test('names the right that a request of the bucket wants', () => {
    const denied = answer(403, 'AccessDenied');
    expect(toRollcallError(denied, bucket).message).toContain('need s3:ListBucket');
    expect(toRollcallError(denied, { ...bucket, right: 's3:DeleteObject' }).message).toContain('need s3:DeleteObject');
  });

  test('says what was asked of which key and what came back, even if the server said nothing', () => {
    const message = toRollcallError(answer(403), object).message;
    expect(message).toContain('cannot write s3://photos/2024/a b.jpg: access denied (403)');
    expect(message).not.toContain('Unknown');
  });

  test("repeats the server's words where it has some", () => {
    const message = toRollcallError(answer(400, 'EntityTooLarge', 'Your proposed upload is too large'), object).message;
    expect(message).toContain('(400 EntityTooLarge: Your proposed upload is too large)');
  });

  test('names the host and the tries, and never what the address keeps secret', () => {
    const message = toRollcallError(silence('ECONNREFUSED'), bucket).message;
    expect(message).toContain('s3.example.org:9000 cannot be reached after 6 tries (ECONNREFUSED)');
    expect(message).not.toContain('secret');
  });

  test('names the right region of a bucket that is elsewhere', () => {
    const $response = { headers: { 'x-amz-bucket-region': 'eu-central-1' } };
    const message = toRollcallError(answer(301, 'PermanentRedirect', 'x', { $response }), bucket).message;
    expect(message).toContain('photos is in region eu-central-1; set S3_REGION=eu-central-1');
    const malformed = answer(400, 'AuthorizationHeaderMalformed', 'x', { Region: 'eu-west-1' });
    expect(toRollcallError(malformed, object).message).toContain('S3_REGION=eu-west-1');
  });
});

describe('the cause', () => {
  test('keeps name, status, tries and request id, and nothing of the request', () => {
    const $response = { headers: {}, body: { req: { authorization: 'AWS4-HMAC-SHA256 …' } } };
    const error = toRollcallError(answer(404, 'NoSuchUpload', 'x', { $response, AWSAccessKeyId: 'AKIA' }), object);
    expect(error.cause).toMatchObject({ name: 'NoSuchUpload', status: 404, attempts: 1, requestId: null });
    expect(JSON.stringify(error.cause)).not.toMatch(/AWS4|AKIA/);
  });

  test('tries are counted from what the SDK says, once if it says nothing', () => {
    expect(attemptsOf(silence('ECONNRESET', 4))).toBe(4);
    expect(attemptsOf(new Error('aborted'))).toBe(1);
  });
});
