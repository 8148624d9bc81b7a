import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import type { HourOfDay } from '../support/day-child.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTestS3 } from '../support/s3.ts';

const CHILD = fileURLToPath(new URL('../support/day-child.ts', import.meta.url));
const MIB = 1024 * 1024;

interface Hour extends HourOfDay {
  readonly connections: number;
}

test('a day of two-way syncs, reconciliations and onlookers leaves memory, handles and connections as they were', async () => {
  const [s3, database] = await Promise.all([startTestS3(), createTestDatabase()]);
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-day-'));
  try {
    const env = {
      ...process.env,
      DATABASE_URL: database.url,
      PHOTOS_ROOT: join(dir, 'photos'),
      DATA_DIR: join(dir, 'data'),
      LOG_DIR: join(dir, 'logs'),
      S3_BUCKET: s3.bucket,
      S3_ENDPOINT: s3.endpoint,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    };
    const { hours, end } = await liveThrough(env, database);
    console.table(hours);
    expect(end).toMatchObject({ done: true, failures: 0 });
    // The first hours load what is needed only once: pools that fill, code that is compiled, a day's first picture.
    const settled = hours.slice(Math.ceil(hours.length / 4));
    const early = settled.slice(0, Math.ceil(settled.length / 3));
    const late = settled.slice(-early.length);
    expect(lowest(late, 'heapBytes')).toBeLessThan(lowest(early, 'heapBytes') + 6 * MIB);
    expect(lowest(late, 'rssBytes')).toBeLessThan(lowest(early, 'rssBytes') + 40 * MIB);
    expect(lowest(late, 'handles')).toBeLessThanOrEqual(highest(early, 'handles'));
    expect(lowest(late, 'openFiles')).toBeLessThanOrEqual(highest(early, 'openFiles'));
    expect(highest(hours, 'connections')).toBeLessThanOrEqual(20);
  } finally {
    await s3.close();
    await database.drop();
    rmSync(dir, { recursive: true, force: true });
  }
}, 3_600_000);

async function liveThrough(env: NodeJS.ProcessEnv, database: TestDatabase) {
  const child = spawn(process.execPath, ['--expose-gc', CHILD], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const onlooker = new Client({ connectionString: database.url });
  await onlooker.connect();
  const hours: Hour[] = [];
  let end: unknown = null;
  try {
    const exit = once(child, 'exit');
    for await (const line of createInterface(child.stdout)) {
      const said = JSON.parse(line) as HourOfDay | { readonly done: true };
      if ('done' in said) end = said;
      else hours.push({ ...said, connections: await connectionsTo(onlooker) });
    }
    expect(await exit).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
    await onlooker.end();
  }
  return { hours, end };
}

async function connectionsTo(onlooker: Client): Promise<number> {
  const sql = 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database()';
  return (await onlooker.query<{ n: number }>(sql)).rows[0]?.n ?? 0;
}

function lowest(hours: readonly Hour[], what: keyof Hour): number {
  return Math.min(...hours.map((hour) => hour[what]));
}

function highest(hours: readonly Hour[], what: keyof Hour): number {
  return Math.max(...hours.map((hour) => hour[what]));
}
