import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import { openMedia } from '../../src/media/open-media.ts';
import type { MediaPort } from '../../src/sync/media-port.ts';
import { createMediaService, type MediaService } from '../../src/sync/media-service.ts';
import { never } from '../support/catalog.ts';
import { createQueueWorld, type QueueWorld } from '../support/queue-world.ts';

let w: QueueWorld;
let media: MediaPort;
let service: MediaService;
let looked: string[];
let failing: Set<string>;

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const soon = { timeout: 100_000, interval: 100 };

beforeAll(async () => {
  w = await createQueueWorld();
  const studio = openMedia({ maxPixels: 1_000_000, concurrency: 2 });
  media = {
    concurrency: 2,
    process: async (source, signal) => {
      looked.push(source.fileName);
      if (failing.delete(source.fileName)) throw new RollcallError('MEDIA_FAILED', 'the decoder died');
      return studio.process(source, signal);
    },
    close: () => studio.close(),
  };
  service = createMediaService({
    media,
    store: w.catalog.media,
    openDisk: w.openDisk,
    openBucket: () => w.sides().bucket,
    variantsPrefix: 'variants/',
    log,
    now: () => w.clock.nowMs,
  });
});
afterAll(async () => {
  await w?.close();
  await media?.close();
});
beforeEach(async () => {
  await w.wipe();
  looked = [];
  failing = new Set();
});

async function variants(): Promise<string[]> {
  const asked = new ListObjectsV2Command({ Bucket: w.bucket, Prefix: 'variants/' });
  return ((await w.s3.client.send(asked)).Contents ?? []).map(({ Key = '' }) => Key);
}

const states = async () =>
  Object.fromEntries(
    (
      await w.query<{ path: string; mediaState: string | null }>(
        'SELECT "path", "mediaState" FROM "Photo" ORDER BY "path"',
      )
    ).map(({ path, mediaState }) => [path, mediaState]),
  );

test('photos are looked at after a sync by two processes, each once, and one that broke is tried again', async () => {
  const image = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'green' } })
    .jpeg()
    .toBuffer();
  const names = Array.from({ length: 60 }, (_, i) => `${i % 3}/${i}.jpg`);
  for (const name of names) w.write(name, image);
  failing.add('7.jpg');
  await w.open({ concurrency: 1, media: service });
  await w.open({ concurrency: 1, media: service });
  await w.run();
  await expect.poll(states, soon).toEqual(Object.fromEntries(names.map((name) => [name, 'ready'])));
  expect(looked.toSorted()).toEqual([...names.map((name) => name.slice(2)), '7.jpg'].toSorted());
  expect(await variants()).toHaveLength(120);
});

test('a reconciliation has variants that are missing made again', async () => {
  w.write(
    'a.jpg',
    await sharp({ create: { width: 64, height: 48, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer(),
  );
  await w.run();
  await service.work(w.library, {}, () => {}, never);
  const [lost = ''] = await variants();
  await w.s3.client.send(new DeleteObjectCommand({ Bucket: w.bucket, Key: lost }));
  await w.open({ concurrency: 1, media: service });
  await w.run({ kind: 'reconcile' });
  await expect.poll(variants, soon).toHaveLength(2);
});
