/** A server over a real database and a real bucket, with one album in agreement, to send hostile requests to. */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { Client } from 'pg';
import { compose } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { createApp } from '../../src/http/app.ts';
import { listen } from '../../src/http/listen.ts';
import type { Log } from '../../src/sync/ports.ts';
import type { Right } from './api-fuzz.ts';
import { createTestDatabase } from './postgres.ts';
import { startTestS3 } from './s3.ts';

export type FuzzWorld = Awaited<ReturnType<typeof createFuzzWorld>>;

export interface FaultLine {
  readonly message: string;
  readonly fields: unknown;
}

/** `queue`: with the queue and the pictures that `serve` has; without, each run belongs to its request. */
export async function createFuzzWorld({ queue }: { readonly queue: boolean }) {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-fuzz-'));
  const [root, other] = [join(dir, 'photos'), join(dir, 'other')];
  for (const folder of [`${root}/2024/summer`, other]) mkdirSync(folder, { recursive: true });
  const [database, s3] = await Promise.all([createTestDatabase(), startTestS3()]);
  const faults: FaultLine[] = [];
  const log: Log = {
    ...{ debug: () => {}, info: () => {}, warn: () => {} },
    error: (fields, message) => void faults.push({ message, fields }),
  };
  const { accessKeyId, secretAccessKey, endpoint, region, bucket } = s3;
  const env = { DATABASE_URL: database.url, PHOTOS_ROOT: root, S3_BUCKET: bucket, STABLE_SECONDS: '0', DATA_DIR: dir };
  const config = {
    ...loadConfig({ ...env, LOG_DIR: join(dir, 'logs'), RECONCILE_CRON: '' }, dir),
    s3: { endpoint, region, forcePathStyle: true, timeoutSeconds: 60, credentials: { accessKeyId, secretAccessKey } },
  };
  const stop = new AbortController();
  const needs = { demo: false, ...(queue && { queue: { concurrency: 2 } }) };
  const rollcall = await compose(config, needs, log, stop.signal);
  const server = await listen(createApp(rollcall.http), { host: '127.0.0.1', port: 0, log }, stop.signal);
  const sql = new Client({ connectionString: database.url });
  await sql.connect();

  /** The album as it is before each test. */
  async function restore(): Promise<void> {
    for (const name of ['a.jpg', 'b.jpg']) {
      const path = join(root, '2024/summer', name);
      writeFileSync(path, `the bytes of ${name}`);
      utimesSync(path, 1_600_000_000, 1_600_000_000);
    }
    await rollcall.service.sync({ library: rollcall.library.id }, {}, stop.signal);
  }
  await restore();
  const target = await rollcall.libraries.create({
    name: 'other',
    root: other,
    bucket,
    prefix: 'other/',
    excludes: [],
  });
  writeFileSync(join(root, '2024/summer/planned.jpg'), 'to be uploaded by a plan');
  const planned = await rollcall.service.sync(
    { library: rollcall.library.id, dryRun: true, keepPlan: true },
    {},
    stop.signal,
  );
  const one = async (text: string) => (await sql.query<{ id: string }>(text)).rows[0]?.id ?? '';
  const ids = {
    library: rollcall.library.id,
    other: target.id,
    album: await one(`SELECT id FROM "Album" WHERE path = '2024/summer'`),
    photo: await one(`SELECT id FROM "Photo" WHERE path = '2024/summer/a.jpg'`),
    plan: planned.runId,
    run: await one(`SELECT id FROM "Run" WHERE status = 'succeeded' ORDER BY "startedAt" LIMIT 1`),
  };

  return {
    port: server.port,
    ids,
    dir,
    root,
    faults,
    right: rightIn(ids, { dir, bucket }),
    /** Everything that a refused request must leave alone: files, objects, rows. */
    async look(): Promise<string> {
      const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'photos/' }));
      const { rows } = await sql.query<{ all: unknown }>(LOOK);
      const objects = Contents.map(({ Key, ETag }) => [Key, ETag]);
      return JSON.stringify({ files: filesIn(root), objects, rows: rows[0]?.all }, null, 1);
    },
    restore,
    forget: (libraryId: string) => rollcall.libraries.remove(libraryId),
    async close(): Promise<void> {
      stop.abort();
      await server.close();
      await rollcall.close();
      await sql.end();
      await s3.close();
      await database.drop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const LOOK = `SELECT json_build_object(
  'libraries', (SELECT json_agg(l ORDER BY l.id) FROM "Library" l),
  'albums', (SELECT json_agg(json_build_array(a.id, a.path) ORDER BY a.id) FROM "Album" a),
  'photos', (SELECT json_agg(json_build_array(p.id, p.path, p.key, p.state, p.size, p.md5, p.etag) ORDER BY p.id) FROM "Photo" p),
  'archived', (SELECT json_agg(o ORDER BY o.id) FROM "ArchivedObject" o)) AS all`;

function filesIn(root: string): unknown[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, statSync(path).mtimeMs, createHash('md5').update(readFileSync(path)).digest('hex')];
    });
}

/** Right values that no schema tells. What is changed or removed is another library than the one with photos. */
function rightIn(
  ids: Record<string, string>,
  { dir, bucket }: { readonly dir: string; readonly bucket: string },
): Right {
  const known: Readonly<Record<string, string | undefined>> = {
    library: ids['library'],
    album: '2024/summer',
    albumId: ids['album'],
    styleId: '2024/summer',
    root: join(dir, 'other'),
    bucket,
    'images.0': 'a.jpg',
    'images.0.filename': 'a.jpg',
    'filenames.0': 'a.jpg',
    'localImages.0.filename': 'a.jpg',
    'localImages.0.localPath': '2024/summer/a.jpg',
    'photoIds.0': ids['photo'],
    parent: 'none',
    kind: 'sync',
    download: 'true',
    prefix: 'new/',
  };
  return (operation, field) => {
    if (field === 'id') return JSON.stringify(idFor(operation, ids));
    const value = known[field];
    return value === undefined ? null : JSON.stringify(value);
  };
}

function idFor(operation: string, ids: Record<string, string>): string | undefined {
  if (operation.startsWith('DELETE ')) return '99999999-9999-4999-8999-999999999999';
  if (operation.startsWith('PATCH ')) return ids['other'];
  if (/\/(plan|apply)\b/.test(operation)) return ids['plan'];
  const kind = /\/api\/(\w+?)s\//.exec(operation)?.[1];
  return ids[kind === 'librarie' ? 'library' : (kind ?? '')];
}
