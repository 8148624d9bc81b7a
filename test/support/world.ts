/** A library, a database and a bucket of a test's own, with the engine over them, as compose.ts puts it together. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { Client } from 'pg';
import { type OpenedClient, openS3Client, type S3ClientOptions } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { openDisk } from '../../src/disk/disk.ts';
import { openWalkers } from '../../src/disk/walkers.ts';
import type { Log } from '../../src/sync/ports.ts';
import type { SyncRequest } from '../../src/sync/service.ts';
import { createSyncService } from '../../src/sync/sync-service.ts';
import type { Library, Report, SyncSettings } from '../../src/sync/types.ts';
import { openDatabaseLine } from './database-line.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { createTestDatabase } from './postgres.ts';
import { startTestS3, type TestBucket } from './s3.ts';

/** Long ago, so that STABLE_SECONDS has no say. */
const LONG_AGO = 1_600_000_000;

export interface Row {
  readonly id: string;
  readonly path: string;
  readonly key: string;
  readonly state: string;
  readonly etag: string | null;
  readonly md5: string | null;
  readonly size: string;
  readonly lastError: string | null;
}

export type World = Awaited<ReturnType<typeof createWorld>>;

const SETTINGS: SyncSettings = {
  checkConcurrency: 10,
  uploadConcurrency: 5,
  existenceCheck: 'auto',
  maxDelete: { percent: 25 },
  stableSeconds: 2,
  orphanGraceDays: 30,
  dedupeCopy: true,
};

export interface WorldOptions {
  /** Shares the bucket of this world, or has this one; who made it closes it. Left out: one of its own. */
  readonly bucketOf?: { readonly s3: TestBucket };
  /** Of the client, in which whoever injects faults is less patient. */
  readonly client?: Omit<S3ClientOptions, 'maxSockets'>;
  /** The line to the database can be cut. */
  readonly line?: true;
}

/** One world; `close` fails when a connection was leaked. */
export async function createWorld(settings: Partial<SyncSettings> = {}, options: WorldOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-world-'));
  const root = join(folder, 'library');
  mkdirSync(root);
  const [database, s3] = await Promise.all([createTestDatabase(), bucketFor(options)]);
  const line = options.line ? await openDatabaseLine(database.url) : null;
  const proxy: FaultProxy = await startFaultProxy(s3.endpoint);
  const { region, accessKeyId, secretAccessKey, bucket } = s3;
  const credentials = { accessKeyId, secretAccessKey };
  const openClient = (more: Omit<S3ClientOptions, 'maxSockets'> = {}) =>
    openS3Client(
      { endpoint: proxy.endpoint, region, forcePathStyle: true, credentials },
      { maxSockets: 20, ...options.client, ...more },
    );
  const patient = openClient();
  let impatient: OpenedClient | null = null;
  const logged: string[] = [];
  const note = (_fields: object, message: string) => void logged.push(message);
  const log: Log = { debug: () => {}, info: note, warn: note, error: note };
  const catalog = await openCatalog(
    { url: line?.url ?? database.url, maxConnections: 5, log },
    AbortSignal.timeout(150_000),
  );
  const library: Library = await catalog.libraries.create({
    name: 'test',
    root,
    bucket,
    prefix: 'photos/',
    excludes: [],
  });
  const clock = { nowMs: Date.now() };
  const walkers = openWalkers();
  const partConcurrency = Math.min(3, settings.uploadConcurrency ?? 3);
  const openLibrary = (of: Library) => openDisk(of, { walkers });
  const openBucket = (of: Library) =>
    new S3Service(
      (impatient ?? patient).client,
      { endpoint: proxy.endpoint, bucket: of.bucket },
      { partConcurrency, log },
    );
  const serviceWith = (more: Partial<SyncSettings>) =>
    createSyncService({
      catalog: catalog.port,
      archive: catalog.archive,
      plans: catalog.plans,
      remains: catalog.media,
      libraries: catalog.libraries,
      browser: catalog.browser,
      openDisk: openLibrary,
      openBucket,
      settings: { ...SETTINGS, ...settings, ...more },
      log,
      now: () => clock.nowMs,
    });
  const service = serviceWith({});

  async function query<R>(sql: string, values: unknown[] = []): Promise<R[]> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      return (await client.query(sql, values)).rows as R[];
    } finally {
      await client.end();
    }
  }

  return {
    root,
    openDisk: openLibrary,
    databaseUrl: database.url,
    line,
    library,
    bucket,
    catalog,
    service,
    proxy,
    s3,
    logged,
    clock,
    query,
    /** Runs from now on wait so long for a server that says nothing; null: as long as ever. */
    waitFor(idleTimeoutMs: number | null): void {
      impatient?.close();
      impatient = idleTimeoutMs === null ? null : openClient({ idleTimeoutMs });
    },
    /** The three sides as a run has them. */
    sides: () => ({ catalog: catalog.port, disk: openLibrary(library), bucket: openBucket(library) }),
    /** `dedupeCopy`: the setting, for this sync. */
    sync(
      request: Partial<SyncRequest & { dedupeCopy: boolean }> = {},
      signal = AbortSignal.timeout(150_000),
    ): Promise<Report> {
      logged.length = 0;
      const { dedupeCopy, ...asked } = request;
      const by = dedupeCopy === undefined ? service : serviceWith({ dedupeCopy });
      return by.sync({ library: 'test', ...asked }, {}, signal);
    },
    write(path: string, content: string | Buffer = `bytes of ${path}`, mtime = LONG_AGO): void {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
      utimesSync(join(root, path), mtime, mtime);
    },
    remove(path: string): void {
      rmSync(join(root, path), { recursive: true });
    },
    async put(key: string, body: string | Buffer): Promise<void> {
      await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    async deleteObject(key: string): Promise<void> {
      await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
    async read(key: string): Promise<string> {
      const answer = await s3.client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await answer.Body?.transformToString()) ?? '';
    },
    async keys(): Promise<string[]> {
      const answer = await s3.client.send(new ListObjectsV2Command({ Bucket: bucket }));
      return (answer.Contents ?? []).map((object) => object.Key ?? '');
    },
    /** Empties disk, catalog and bucket. */
    async wipe(): Promise<void> {
      rmSync(root, { recursive: true, force: true });
      mkdirSync(root);
      await query('DELETE FROM "Album"');
      const answer = await s3.client.send(new ListObjectsV2Command({ Bucket: bucket }));
      for (const { Key } of answer.Contents ?? []) {
        await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
      }
    },
    rows: () => query<Row>('SELECT * FROM "Photo" ORDER BY key'),
    async states(): Promise<Record<string, string>> {
      const rows = await query<Row>('SELECT path, state FROM "Photo" ORDER BY key');
      return Object.fromEntries(rows.map((row) => [row.path, row.state]));
    },
    async close(): Promise<void> {
      await walkers.close();
      impatient?.close();
      patient.close();
      await proxy.close();
      await catalog.close();
      await line?.close();
      await s3.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function bucketFor({ bucketOf }: WorldOptions): Promise<TestBucket> {
  return bucketOf ? Promise.resolve({ ...bucketOf.s3, close: async () => {} }) : startTestS3();
}
