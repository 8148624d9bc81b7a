import { ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { contractS3, needs } from '../support/contract-s3.ts';
import { Uploads } from '../support/contract-s3-uploads.ts';

describe('S3 server, listings of uploads and parts', () => {
  const s3 = contractS3();
  const up = () => new Uploads(s3());

  test('the parts come in pages, in the order of their numbers', async () => {
    const id = await up().begin('pages');
    for (const number of [5, 1, 10_000, 3]) await up().part('pages', id, number, `part ${number}`);
    const seen: (number | undefined)[] = [];
    let marker: string | undefined;
    for (;;) {
      const list = new ListPartsCommand({ ...up().at('pages'), UploadId: id, MaxParts: 3, PartNumberMarker: marker });
      const page = await s3().client.send(list);
      seen.push(...(page.Parts ?? []).map((part) => part.PartNumber));
      expect(page).toMatchObject({ ...up().at('pages'), UploadId: id, MaxParts: 3 });
      if (page.IsTruncated !== true) break;
      marker = page.NextPartNumberMarker;
    }
    expect(seen).toEqual([1, 3, 5, 10_000]);
    await up().abort('pages', id);
  });

  test('uploads come by key and then age, within a prefix, in pages', async () => {
    const Bucket = await s3().makeBucket();
    const started: [string, string][] = [];
    for (const Key of ['up/b', 'up/a/1', 'up/b', 'up/\u{1F600}', 'up/\uFF01', 'other'])
      started.push([Key, await up().begin(Key, { Bucket })]);
    const expected = [started[1], started[0], started[2], started[4], started[3]];
    const ask = { Bucket, Prefix: 'up/' };
    const { Uploads = [] } = await s3().client.send(new ListMultipartUploadsCommand(ask));
    expect(Uploads.map(({ Key, UploadId }) => [Key, UploadId]).sort()).toEqual([...expected].sort());
    expect(Uploads.map(({ Key }) => Key)).toEqual(expected.map((pair) => pair?.[0]));
    expect(Uploads[0]?.Initiated).toBeInstanceOf(Date);

    const seen: (string | undefined)[][] = [];
    let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    for (;;) {
      const page = await s3().client.send(new ListMultipartUploadsCommand({ ...ask, MaxUploads: 2, ...markers }));
      seen.push(...(page.Uploads ?? []).map(({ Key, UploadId }) => [Key, UploadId]));
      if (page.IsTruncated !== true) break;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
    expect(seen.map(String).sort()).toEqual(expected.map(String).sort());
  });

  needs('upload-delimiter')('uploads below a delimiter are folded', async () => {
    const Bucket = await s3().makeBucket();
    for (const Key of ['up/b', 'up/a/1', 'up/a/2', 'up/c']) await up().begin(Key, { Bucket });
    const ask = { Bucket, Prefix: 'up/' };
    const folded = await s3().client.send(new ListMultipartUploadsCommand({ ...ask, Delimiter: '/' }));
    expect(folded.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['up/a/']);
    expect(folded.Uploads?.map(({ Key }) => Key)).toEqual(['up/b', 'up/c']);
  });
});
