import { CopyObjectCommand, DeleteObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { byteOrder, contractS3, failureOf, needs } from '../support/contract-s3.ts';
import { pathOf, uriEncode } from '../support/contract-s3-http.ts';
import { decodeKey } from '../support/s3.ts';

const ODD_KEYS = [
  'two words',
  ' leading blank',
  'trailing blank ',
  'double  blank',
  'plus+sign',
  '100%',
  '%20',
  '%2F and %',
  '%E0%A4%A',
  'question?mark=1&x',
  'hash#tag',
  "quote\"s and 'apostrophes'",
  'amp&ersand &amp; &#65;',
  '<tag>',
  ']]>',
  'semi;colon, comma: colon',
  'at@equals=dollar$',
  'bang!star*(paren)',
  'brackets[0]{curly}',
  'back\\slash',
  'pipe|caret^tilde~grave`',
  'tab\there',
  'line\nbreak',
  'return\rhere',
  'delete\u007f',
  'next line \u0085 and separator \u2028',
  'é composed',
  'e\u0301 combining',
  'İstanbul ß ﬁ',
  '日本語/写真.jpg',
  'עברית ‏עם סימן',
  '😀 emoji 👩‍👩‍👧‍👦.jpg',
  'U+E000 \ue000',
  'U+FF01 \uff01',
  '.hidden',
  '..twice',
  '...',
  '.',
  'in/./here',
  'in/../there',
  'dots../and./dots',
  '/leading slash',
  '//two leading',
  'double//slash',
  'trailing slash/',
  'trailing slashes//',
  'file',
  'file/',
  'file/below',
  'Case',
  'case',
  'con',
  'nul.txt',
  'constructor',
  '__proto__',
  'index.html',
  '0',
  'null',
  'undefined',
  'true',
  `long/${'s'.repeat(300)}`,
  'm'.repeat(1024),
  '😀'.repeat(256),
  `${'d/'.repeat(511)}ef`,
];

describe('S3 server, keys', () => {
  const s3 = contractS3();
  const shown = (key: string) => (key.length > 40 ? `${key.slice(0, 40)}… of ${Buffer.byteLength(key)} bytes` : key);

  test('odd keys live side by side, each with its own bytes', async () => {
    for (const key of ODD_KEYS) await s3().put(key, key);
    for (const key of ODD_KEYS) expect((await s3().read(key)).toString()).toBe(key);
  });

  test('odd keys are listed as they are, in the order of their bytes', async () => {
    expect(await s3().keys()).toEqual([...ODD_KEYS].sort(byteOrder));
  });

  test('odd keys are listed URL-encoded when asked for', async () => {
    const list = new ListObjectsV2Command({ Bucket: s3().bucket, EncodingType: 'url' });
    const { Contents = [], EncodingType } = await s3().client.send(list);
    expect(EncodingType).toBe('url');
    for (const entry of Contents) expect(entry.Key).toMatch(/^[\x21-\x7e]+$/);
    expect(Contents.map((entry) => decodeKey(entry.Key ?? ''))).toEqual([...ODD_KEYS].sort(byteOrder));
  });

  test.each(ODD_KEYS.map((key) => [shown(key), key] as const))('%j is found, copied and deleted', async (_, key) => {
    const Bucket = s3().bucket;
    await s3().client.send(new HeadObjectCommand({ Bucket, Key: key }));
    const CopySource = `${Bucket}/${key.split('/').map(uriEncode).join('/')}`;
    await s3().client.send(new CopyObjectCommand({ Bucket, Key: 'copy of it', CopySource }));
    expect((await s3().read('copy of it')).toString()).toBe(key);
    const before = await s3().keys();
    await s3().client.send(new DeleteObjectCommand({ Bucket, Key: key }));
    expect(await s3().keys()).toEqual(before.filter((other) => other !== key));
    await s3().put(key, key);
  });

  test('a key of control characters is listed when URL-encoded', async () => {
    const key = 'control/\u0001\u001f';
    await s3().put(key, 'x');
    const list = new ListObjectsV2Command({ Bucket: s3().bucket, Prefix: 'control/', EncodingType: 'url' });
    const { Contents = [] } = await s3().client.send(list);
    expect(Contents.map((entry) => decodeKey(entry.Key ?? ''))).toEqual([key]);
    expect((await s3().read(key)).toString()).toBe('x');
    await s3().client.send(new DeleteObjectCommand({ Bucket: s3().bucket, Key: key }));
  });

  test('a key of 1,025 bytes is refused, however few characters it has', async () => {
    for (const key of ['k'.repeat(1025), `${'😀'.repeat(256)}k`]) {
      expect((await failureOf(s3().put(key, 'x'))).status).toBe(400);
    }
  });

  needs('key-too-long')('a key that is too long is refused as KeyTooLongError', async () => {
    expect(await failureOf(s3().put('k'.repeat(1025), 'x'))).toEqual({ name: 'KeyTooLongError', status: 400 });
  });

  test('a plus in a path is a plus, not a blank', async () => {
    const answer = await s3().raw.send({ method: 'PUT', path: `${pathOf(s3().bucket)}/raw+plus`, body: 'x' });
    expect(answer.status).toBe(200);
    expect(await s3().keys('raw')).toEqual(['raw+plus']);
  });

  test('a path may leave unencoded what another client encodes', async () => {
    await s3().put("loose!*'(),;:@&=$~", 'loose');
    const answer = await s3().raw.send({ method: 'GET', path: `${pathOf(s3().bucket)}/loose!*'(),;:@&=$~` });
    expect([answer.status, answer.body.toString()]).toEqual([200, 'loose']);
  });

  test('lower-case percent escapes mean the same', async () => {
    await s3().put('é/ü', 'x');
    const answer = await s3().raw.send({ method: 'GET', path: `${pathOf(s3().bucket)}/%c3%a9/%c3%bc` });
    expect(answer.status).toBe(200);
  });
});
