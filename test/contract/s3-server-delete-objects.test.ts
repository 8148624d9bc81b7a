import { DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { contractS3, failureOf, md5, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';

describe('S3 server, DeleteObjects', () => {
  const s3 = contractS3();
  const deleteAll = (keys: readonly string[], Quiet = false) => {
    const Objects = keys.map((Key) => ({ Key }));
    return s3().client.send(new DeleteObjectsCommand({ Bucket: s3().bucket, Delete: { Objects, Quiet } }));
  };

  test('takes 1,000 keys at once, missing ones among them', async () => {
    const keys = Array.from({ length: 1_000 }, (_, i) => `many/${String(i).padStart(4, '0')} & <more>.jpg`);
    await s3().putAll(keys.filter((_, i) => i % 4 !== 0));
    await s3().put('many-not', 'stays');
    const { Deleted = [], Errors = [] } = await deleteAll(keys);
    expect(Errors).toEqual([]);
    expect(Deleted.map((entry) => entry.Key).sort()).toEqual(keys);
    expect(await s3().keys('many')).toEqual(['many-not']);
  });

  test('says nothing of what it deleted when asked to be quiet', async () => {
    await s3().putAll(['quiet/a', 'quiet/b']);
    const { Deleted = [], Errors = [] } = await deleteAll(['quiet/a', 'quiet/b', 'quiet/c'], true);
    expect([Deleted, Errors]).toEqual([[], []]);
    expect(await s3().keys('quiet/')).toEqual([]);
  });

  test('keeps blanks, line breaks and marks in keys as they are', async () => {
    const keys = [
      ' lead',
      'trail ',
      'tab\tin',
      'line\nbreak',
      'return\rin',
      '"quoted" \'too\'',
      '&amp;',
      '<b>',
      ']]>',
      ' ',
    ];
    const odd = keys.map((key) => `odd/${key}`);
    await s3().putAll([...odd, 'odd/lead', 'odd/trail', 'odd/&', 'odd/']);
    const { Deleted = [] } = await deleteAll(odd);
    expect(Deleted.length).toBe(odd.length);
    expect((await s3().keys('odd/')).sort()).toEqual(['odd/', 'odd/&', 'odd/lead', 'odd/trail']);
  });

  needs('malformed-xml')('refuses more than 1,000 keys and deletes none of them', async () => {
    await s3().put('over/0000', 'x');
    const keys = Array.from({ length: 1_001 }, (_, i) => `over/${String(i).padStart(4, '0')}`);
    expect(await failureOf(deleteAll(keys))).toEqual({ name: 'MalformedXML', status: 400 });
    expect(await s3().keys('over/')).toEqual(['over/0000']);
  });

  needs('delete-md5')('refuses a body that is not what its Content-MD5 says, and deletes nothing', async () => {
    await s3().put('guarded', 'x');
    const answer = await s3().raw.send({
      method: 'POST',
      path: pathOf(s3().bucket),
      query: { delete: '' },
      headers: { 'content-md5': Buffer.from(md5('other'), 'hex').toString('base64') },
      body: '<Delete><Object><Key>guarded</Key></Object></Delete>',
    });
    expect([answer.status, answer.code]).toEqual([400, 'BadDigest']);
    expect(await s3().keys('guarded')).toEqual(['guarded']);
  });

  needs('malformed-xml')('refuses a body that is no XML', async () => {
    const body = '<Delete><Object><Key>guarded';
    const answer = await s3().raw.send({
      method: 'POST',
      path: pathOf(s3().bucket),
      query: { delete: '' },
      headers: { 'content-md5': Buffer.from(md5(body), 'hex').toString('base64') },
      body,
    });
    expect([answer.status, answer.code]).toEqual([400, 'MalformedXML']);
  });
});
