import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { GetObjectCommand, HeadBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testClient } from '../support/s3.ts';
import { World } from './embedded-world.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.dispose());

const onlyS3 = { database: false, s3: true };

describe('the embedded S3 of a DATA_DIR', () => {
  test('starts without a database, has a bucket, and a second start keeps objects, keys and address', async () => {
    const first = await world.attach(onlyS3);
    expect(first.database).toBeNull();
    expect(world.running().postmasters).toEqual([]);
    const put = { Bucket: first.s3!.bucket, Key: 'photos/a.jpg', Body: 'bytes' };
    const client = testClient(first.s3!);
    await client.send(new PutObjectCommand(put));
    client.destroy();
    await first.close();
    await expect(fetch(first.s3!.endpoint)).rejects.toThrow();

    const second = await world.attach(onlyS3);
    expect(second.s3).toEqual(first.s3);
    const again = testClient(second.s3!);
    const { Body } = await again.send(new GetObjectCommand({ Bucket: put.Bucket, Key: put.Key }));
    expect(await Body!.transformToString()).toBe('bytes');
    again.destroy();
  });

  test('has the buckets that are asked for, those that are there already included', async () => {
    const services = await world.attach({ ...onlyS3, s3Bucket: 'holiday-photos' });
    expect(services.s3!.bucket).toBe('holiday-photos');
    await services.ensureBucket('second');
    await services.ensureBucket('second');
    const client = testClient(services.s3!);
    for (const Bucket of ['holiday-photos', 'second']) await client.send(new HeadBucketCommand({ Bucket }));
    client.destroy();
    await expect(services.ensureBucket('Not A Bucket')).rejects.toMatchObject({ code: 'BUCKET_MISSING' });
  });

  test('is started for a second client by the host that runs the database for the first', async () => {
    const first = await world.attach();
    expect(existsSync(join(world.dataDir, 's3'))).toBe(false);
    const second = world.client('database', 's3');
    const services = await second.services;
    expect(services.database).toEqual(first.database);
    expect(world.running().hosts).toHaveLength(1);
    expect((await fetch(services.s3!.endpoint)).status).toBe(403);
    await second.end();
  });

  test('takes another port when its own is taken, and says so', async () => {
    const first = await world.attach(onlyS3);
    const { port } = new URL(first.s3!.endpoint);
    await first.close();
    const squatter = createServer().listen(Number(port), '127.0.0.1');
    await once(squatter, 'listening');
    try {
      const moved = await world.attach(onlyS3);
      expect(new URL(moved.s3!.endpoint).port).not.toBe(port);
      expect(moved.notices).toEqual([expect.stringContaining(`Port ${port}`)]);
    } finally {
      squatter.close();
    }
  });

  test('keeps its objects from other users', async () => {
    await world.attach(onlyS3);
    expect(statSync(join(world.dataDir, 's3')).mode & 0o077).toBe(0);
  });
});
