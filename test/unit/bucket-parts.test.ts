import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { finishedPart } from '../../src/bucket/parts.ts';

const body = Buffer.from('the bytes of this part');
const md5 = createHash('md5').update(body).digest();
const hex = md5.toString('hex');
const other = createHash('md5').update('others').digest('hex');

/** What the server holds under the number, what it once confirmed, and whether that is the part of the file. */
test.each([
  ['nothing is held', null, null, false],
  ['nothing is held, though it was confirmed', null, { etag: hex, md5: hex }, false],
  ['the ETag is the MD5', { etag: hex, size: body.length }, null, true],
  ['the ETag is the MD5 in capitals', { etag: hex.toUpperCase(), size: body.length }, null, true],
  ['the ETag is the MD5 of others', { etag: other, size: body.length }, null, false],
  [
    'the ETag is the MD5 of others, and was so then',
    { etag: other, size: body.length },
    { etag: other, md5: other },
    false,
  ],
  [
    'the ETag is none, and stood for these bytes',
    { etag: 'kms-1', size: body.length },
    { etag: 'kms-1', md5: hex },
    true,
  ],
  [
    'the ETag is none, and stood for others',
    { etag: 'kms-1', size: body.length },
    { etag: 'kms-1', md5: other },
    false,
  ],
  ['the ETag is another than was confirmed', { etag: 'kms-2', size: body.length }, { etag: 'kms-1', md5: hex }, false],
  ['there is no ETag, then as now', { etag: '', size: body.length }, { etag: '', md5: hex }, false],
  ['the length is another', { etag: hex, size: body.length - 1 }, { etag: hex, md5: hex }, false],
] as const)('a part of an earlier try, when %s', (_when, held, confirmed, finished) => {
  const earlier = {
    held: new Map(held === null ? [] : [[3, { ...held, modifiedMs: 0 }]]),
    confirmed: new Map(confirmed === null ? [] : [[3, { number: 3, ...confirmed }]]),
  };
  expect(finishedPart(earlier, { number: 3, body, md5 }) !== null).toBe(finished);
  expect(finishedPart(null, { number: 3, body, md5 })).toBeNull();
});
