import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CompareOptions, compareScope } from '../../src/sync/compare.ts';
import type { DiskPort, Problem } from '../../src/sync/ports.ts';
import type { CompareRequest } from '../../src/sync/service.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const signal = () => AbortSignal.timeout(150_000);
const md5 = { aaa: '47bce5c74f589f4867dbd57e9ca9f808', bbb: '08f8e0260c64418510cefb2b06eee5cd' } as const;

async function compare(request: CompareRequest = { album: 'x' }) {
  const [compared, ...others] = await world.service.compare(request, signal());
  expect(others).toEqual([]);
  return compared?.lists;
}

const NOTHING = { missing_in_s3: [], missing_locally: [], different: [], identical: [] };

describe('a comparison', () => {
  test('puts every file and object of an album into one of four lists, and touches neither', async () => {
    for (const name of ['same', 'edited', 'grown']) world.write(`x/${name}.jpg`, 'aaa');
    world.write('x/deep/other-album.jpg');
    await world.sync();
    world.write('x/edited.jpg', 'bbb', 1_600_000_100);
    world.write('x/grown.jpg', 'bbbb', 1_600_000_100);
    world.write('x/new.jpg', 'aaa');
    await world.put('photos/x/far away.jpg', 'ccccc');
    await world.put('photos/x/', 'a folder, to some tools');
    const [rows, keys] = [await world.rows(), await world.keys()];
    const etag = md5.aaa;
    expect(await compare()).toEqual({
      missing_in_s3: [{ filename: 'new.jpg', localPath: 'x/new.jpg', size: 3 }],
      missing_locally: [{ filename: 'far away.jpg', s3Key: 'photos/x/far away.jpg', size: 5 }],
      different: [
        { filename: 'edited.jpg', reason: 'content_mismatch', localMd5: md5.bbb, s3Etag: etag },
        { filename: 'grown.jpg', reason: 'size_mismatch', localMd5: '65ba841e01d6db7733e90a5b7f9e6f80', s3Etag: etag },
      ],
      identical: [{ filename: 'same.jpg', size: 3 }],
    });
    expect([await world.rows(), await world.keys()]).toEqual([rows, keys]);
    expect(await world.query('SELECT DISTINCT kind FROM "Run"')).toEqual([{ kind: 'sync' }]);
  });

  test('covers a library by paths, and every library where none is named', async () => {
    world.write('a.jpg', 'aaa');
    world.write('x/b.jpg', 'bbb');
    await world.sync();
    const identical = [
      { filename: 'a.jpg', size: 3 },
      { filename: 'x/b.jpg', size: 3 },
    ];
    expect(await compare({ library: 'test' })).toEqual({ ...NOTHING, identical });
    expect(await compare({})).toEqual({ ...NOTHING, identical });
  });

  test('knows an album that only the bucket has', async () => {
    await world.put('photos/2020/winter/a.jpg', 'aaa');
    const missing_locally = [{ filename: 'a.jpg', s3Key: 'photos/2020/winter/a.jpg', size: 3 }];
    expect(await compare({ album: '2020/winter' })).toEqual({ ...NOTHING, missing_locally });
    await expect(compare({ album: '2020' })).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'album' });
  });

  test('sends one LIST for a small album, and no HEAD where ETags are MD5s', async () => {
    world.write('x/a.jpg', 'aaa');
    world.write('x/b.jpg', 'bbb');
    await world.sync();
    await world.query('DELETE FROM "Photo"');
    world.proxy.reset();
    expect((await compare())?.identical).toHaveLength(2);
    expect(world.proxy.seen.map(({ method }) => method)).toEqual(['GET']);
  });
});

describe('a file whose MD5 is on record', () => {
  beforeEach(async () => {
    world.write('x/a.jpg', 'aaa');
    await world.sync();
  });

  test('is not read as long as size, time and inode are those of the record', async () => {
    // Only reading it could tell.
    world.write('x/a.jpg', 'bbb');
    expect((await compare())?.identical).toEqual([{ filename: 'a.jpg', size: 3 }]);
  });

  test('is read when it is another inode', async () => {
    world.write('x/temp_a', 'bbb');
    renameSync(join(world.root, 'x/temp_a'), join(world.root, 'x/a.jpg'));
    expect((await compare())?.different).toMatchObject([{ reason: 'content_mismatch', localMd5: md5.bbb }]);
  });

  test('is held against an object that was replaced', async () => {
    await world.put('photos/x/a.jpg', 'bbb');
    expect((await compare())?.different).toEqual([
      { filename: 'a.jpg', reason: 'content_mismatch', localMd5: md5.aaa, s3Etag: md5.bbb },
    ]);
    await world.put('photos/x/a.jpg', 'aaa');
    expect((await compare())?.identical).toHaveLength(1);
  });
});

describe('an object that was uploaded in parts', () => {
  test('is identical when its ETag can be computed again', async () => {
    world.write('x/long.mp4', Buffer.alloc(17 * 1024 * 1024, 'x'));
    await world.sync();
    await world.query('DELETE FROM "Photo"');
    expect((await compare())?.identical).toMatchObject([{ filename: 'long.mp4' }]);
  });

  test('is unknown when it cannot, and never a guess', async () => {
    const parts = [Buffer.alloc(5 * 1024 * 1024 + 17, 'x'), Buffer.alloc(100, 'y')];
    await putInParts('photos/x/a.mp4', parts);
    world.write('x/a.mp4', Buffer.concat(parts));
    expect((await compare())?.different).toEqual([
      {
        filename: 'a.mp4',
        reason: 'unknown',
        localMd5: expect.stringMatching(/^[0-9a-f]{32}$/),
        s3Etag: expect.stringMatching(/-2$/),
      },
    ]);
  });
});

describe('what is in no list', () => {
  test('a name that an exclude hides, on either side', async () => {
    world.write('x/temp_a.jpg');
    await world.put('photos/x/temp_a.jpg', 'aaa');
    expect(await compare()).toEqual(NOTHING);
  });

  test('a photo that only the catalog remembers', async () => {
    world.write('x/a.jpg');
    world.write('b.jpg');
    await world.sync();
    world.remove('x/a.jpg');
    await world.deleteObject('photos/x/a.jpg');
    expect(await compare()).toEqual(NOTHING);
  });
});

test('two files of one name in the bucket are unknown: it cannot be said which is meant', async () => {
  world.write('x/caf\u00e9.jpg', 'aaa');
  await world.sync();
  world.write('x/cafe\u0301.jpg', 'aaa');
  expect((await compare())?.different).toMatchObject([{ reason: 'unknown', localMd5: null }]);
});

test('an object that is replaced while its file is read is unknown', async () => {
  world.write('x/a.jpg', 'aaa');
  await world.put('photos/x/a.jpg', 'bbb');
  world.proxy.fail(({ method }) =>
    method === 'HEAD' ? { kind: 'after', first: () => world.put('photos/x/a.jpg', 'ccc') } : null,
  );
  expect((await compare())?.different).toEqual([
    { filename: 'a.jpg', reason: 'unknown', localMd5: null, s3Etag: md5.bbb },
  ]);
});

describe('local images', () => {
  beforeEach(async () => {
    for (const name of ['a', 'b', 'c']) world.write(`x/${name}.jpg`, 'aaa');
    await world.put('photos/x/a.jpg', 'aaa');
    await world.put('photos/x/b.jpg', 'aaa');
    await world.put('photos/x/far.jpg', 'aaa');
  });

  test('restrict the comparison to these files; a file that is not named is not missing for that', async () => {
    const localImages = [
      { filename: 'a.jpg', localPath: 'x/a.jpg' },
      { filename: 'c.jpg', localPath: join(world.root, 'x/c.jpg') },
    ];
    expect(await compare({ album: 'x', localImages })).toEqual({
      missing_in_s3: [{ filename: 'c.jpg', localPath: 'x/c.jpg', size: 3 }],
      missing_locally: [{ filename: 'far.jpg', s3Key: 'photos/x/far.jpg', size: 3 }],
      different: [],
      identical: [{ filename: 'a.jpg', size: 3 }],
    });
  });

  test('outside of the root are refused before anything is looked at', async () => {
    const localImages = [{ filename: 'passwd', localPath: '/etc/passwd' }];
    await expect(compare({ album: 'x', localImages })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      field: 'localImages.0.localPath',
    });
  });
});

describe('what cannot be read is an error and never "missing":', () => {
  const options: CompareOptions = { settings: { checkConcurrency: 10, uploadConcurrency: 5 }, localKeys: null };
  const DENIED = { kind: 'answer', status: 403, body: errorXml('AccessDenied') } as const;

  test('a bucket that is denied', async () => {
    world.write('x/a.jpg');
    world.proxy.fail(() => DENIED);
    await expect(compare()).rejects.toMatchObject({ code: 'BUCKET_DENIED' });
  });

  test('a listing that fails on its second page', async () => {
    world.write('x/a.jpg', 'aaa');
    world.write('x/b.jpg', 'bbb');
    await world.sync();
    world.proxy.fail(({ query }) => {
      if (query.has('continuation-token')) return DENIED;
      return query.has('list-type') ? { kind: 'rewrite', body: firstPageOfOne } : null;
    });
    await expect(compare()).rejects.toMatchObject({ code: 'LISTING_FAILED' });
  });

  test('an object whose HEAD is denied', async () => {
    world.write('x/a.jpg', 'aaa');
    await world.put('photos/x/a.jpg', 'bbb');
    world.proxy.fail(({ method }) => (method === 'HEAD' ? DENIED : null));
    await expect(compare()).rejects.toMatchObject({ code: 'OBJECT_DENIED' });
  });

  test('a folder that cannot be read', async () => {
    world.write('x/a.jpg', 'aaa');
    await world.sync();
    const { disk, ...sides } = world.sides();
    const problem: Problem = { path: 'x', code: 'FOLDER_UNREADABLE', message: 'permission denied', hides: true };
    const halfBlind: DiskPort = {
      ...disk,
      walk: (album, until) => ({ ...disk.walk(album, until), problems: () => [problem], vouchesFor: () => false }),
    };
    const scope = { library: world.library, album: 'x' };
    await expect(compareScope({ ...sides, disk: halfBlind }, scope, options, signal())).rejects.toMatchObject({
      code: 'FOLDER_UNREADABLE',
      message: expect.stringContaining('nothing was compared'),
    });
    await disk.close?.();
  });

  test('a root with nothing in it while the catalog has photos', async () => {
    world.write('x/a.jpg');
    await world.sync();
    world.remove('x');
    await expect(compare({ library: 'test' })).rejects.toMatchObject({ code: 'GUARD_EMPTY_ROOT' });
    await expect(compare()).rejects.toMatchObject({ code: 'GUARD_EMPTY_ROOT' });
    writeFileSync(join(world.root, 'b.jpg'), '');
    expect((await compare())?.missing_locally).toHaveLength(1);
  });

  test('a comparison that was stopped', async () => {
    world.write('x/a.jpg');
    await expect(world.service.compare({ album: 'x' }, AbortSignal.abort())).rejects.toThrow(/abort/i);
  });
});

async function putInParts(Key: string, parts: readonly Buffer[]): Promise<void> {
  const { client, bucket: Bucket } = world.s3;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (const [at, Body] of parts.entries()) {
    const PartNumber = at + 1;
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  }
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
}

function errorXml(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message><RequestId>1</RequestId></Error>`;
}

/** A listing's XML with its first entry only, and the word that there is more. */
function firstPageOfOne(xml: string): string {
  const [head, first] = xml.split(/(?=<Contents>)/);
  return (
    `${head?.replace('<IsTruncated>false</IsTruncated>', '')}${first}` +
    '<IsTruncated>true</IsTruncated><NextContinuationToken>two</NextContinuationToken></ListBucketResult>'
  );
}
