import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Environment, loadConfig } from '../../src/config.ts';
import { RollcallError } from '../../src/errors.ts';

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'rollcall-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function errorOf(env: Record<string, string>): RollcallError {
  try {
    loadConfig(env, cwd);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(RollcallError);
    return thrown as RollcallError;
  }
  throw new Error('the configuration was taken');
}

describe('the configuration', () => {
  test('with nothing set has the defaults, and paths below the working folder', () => {
    expect(loadConfig({}, cwd)).toEqual({
      photosRoot: join(cwd, 'photos'),
      demoLibrary: true,
      databaseUrl: null,
      databaseTimeoutSeconds: 300,
      s3: { endpoint: null, region: 'us-east-1', forcePathStyle: false, timeoutSeconds: 60 },
      s3Bucket: null,
      s3Prefix: 'photos/',
      s3VariantsPrefix: 'variants/',
      dataDir: join(cwd, '.data'),
      host: '127.0.0.1',
      port: 3000,
      apiToken: null,
      apiTokensFile: null,
      sync: {
        checkConcurrency: 10,
        uploadConcurrency: 5,
        existenceCheck: 'auto',
        maxDelete: { percent: 25 },
        stableSeconds: 2,
        orphanGraceDays: 30,
        dedupeCopy: true,
      },
      uploadMemoryMb: 96,
      maxPixels: 268_402_689,
      syncIntervalSeconds: 60,
      reconcileCron: '0 3 * * *',
      logLevel: 'info',
      logDir: join(cwd, 'logs'),
      logKeepDays: 30,
    });
  });

  test('takes each variable that is set', () => {
    const config = loadConfig(
      {
        PHOTOS_ROOT: '/mnt/photos',
        DATABASE_URL: 'postgres://me@db/rollcall',
        S3_BUCKET: 'my-bucket',
        S3_PREFIX: 'p/',
        S3_VARIANTS_PREFIX: 'v/',
        S3_ENDPOINT: 'http://127.0.0.1:9000',
        S3_REGION: 'eu-central-1',
        AWS_REGION: 'us-west-2',
        DATA_DIR: '/var/rollcall',
        HOST: '0.0.0.0',
        PORT: '0',
        API_TOKEN: 'sixteen-and-more',
        MAX_DELETE: '100',
        EXISTENCE_CHECK: 'head',
        DEDUPE_COPY: 'false',
        SYNC_UPLOAD_MEMORY_MB: '512',
        MAX_PIXELS: '1000000',
        SYNC_INTERVAL_SECONDS: '0',
        LOG_LEVEL: 'debug',
      },
      cwd,
    );
    expect(config).toMatchObject({
      photosRoot: '/mnt/photos',
      demoLibrary: false,
      databaseUrl: 'postgres://me@db/rollcall',
      s3: { endpoint: 'http://127.0.0.1:9000', region: 'eu-central-1', forcePathStyle: true },
      s3Bucket: 'my-bucket',
      s3Prefix: 'p/',
      s3VariantsPrefix: 'v/',
      dataDir: '/var/rollcall',
      host: '0.0.0.0',
      port: 0,
      apiToken: 'sixteen-and-more',
      sync: { maxDelete: { count: 100 }, existenceCheck: 'head', dedupeCopy: false },
      uploadMemoryMb: 512,
      maxPixels: 1_000_000,
      syncIntervalSeconds: 0,
      logLevel: 'debug',
    });
  });

  test('falls back to AWS_REGION, and lets S3_FORCE_PATH_STYLE overrule the endpoint', () => {
    expect(loadConfig({ AWS_REGION: 'us-west-2' }, cwd).s3.region).toBe('us-west-2');
    const endpoint = { S3_ENDPOINT: 'https://s3.example.org' };
    expect(loadConfig({ ...endpoint, S3_FORCE_PATH_STYLE: 'false' }, cwd).s3.forcePathStyle).toBe(false);
    expect(loadConfig({ S3_FORCE_PATH_STYLE: 'true' }, cwd).s3.forcePathStyle).toBe(true);
  });

  test('takes an empty variable for one that is not set', () => {
    expect(loadConfig({ PORT: '', PHOTOS_ROOT: '', S3_PREFIX: '' }, cwd)).toEqual(loadConfig({}, cwd));
  });

  test('takes an empty RECONCILE_CRON for never, in .env as in the environment', () => {
    expect(loadConfig({ RECONCILE_CRON: '15 4 * * 1-5' }, cwd).reconcileCron).toBe('15 4 * * 1-5');
    expect(loadConfig({ RECONCILE_CRON: '' }, cwd).reconcileCron).toBe(null);
    writeFileSync(join(cwd, '.env'), 'RECONCILE_CRON=\n');
    expect(loadConfig({}, cwd).reconcileCron).toBe(null);
    expect(loadConfig({ RECONCILE_CRON: '0 4 * * *' }, cwd).reconcileCron).toBe('0 4 * * *');
  });

  test('reads .env, and the environment wins over it', () => {
    writeFileSync(join(cwd, '.env'), '# mine\nPORT=4000\nS3_BUCKET="from-file"\nLOG_DIR=\n');
    expect(loadConfig({ PORT: '5000' }, cwd)).toMatchObject({
      port: 5000,
      s3Bucket: 'from-file',
      logDir: join(cwd, 'logs'),
    });
  });

  test('says so when .env cannot be read', () => {
    mkdirSync(join(cwd, '.env'));
    expect(errorOf({})).toMatchObject({ code: 'BAD_CONFIG', field: '.env', exitCode: 2 });
  });
});

describe('a wrong value', () => {
  const token = { API_TOKEN: 'sixteen-and-more' };
  test.each([
    ['DATABASE_URL', 'mysql://me:hunter2@db/x'],
    ['DATABASE_URL', 'hunter2'],
    ['S3_BUCKET', 'Hunter2'],
    ['S3_BUCKET', 'h2'],
    ['S3_PREFIX', 'hunter2'],
    ['S3_PREFIX', '/hunter2/'],
    ['S3_PREFIX', 'hunter2//x/'],
    ['S3_PREFIX', '../hunter2/'],
    ['S3_VARIANTS_PREFIX', 'hunter2'],
    ['S3_ENDPOINT', 'hunter2:9000'],
    ['S3_ENDPOINT', 'ftp://hunter2/'],
    ['S3_ENDPOINT', 'https://me:hunter2@s3.example.org'],
    ['S3_ENDPOINT', 'https://s3.example.org/?token=hunter2'],
    ['S3_FORCE_PATH_STYLE', 'hunter2'],
    ['DEDUPE_COPY', 'hunter2'],
    ['PORT', 'hunter2'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3e3'],
    ['API_TOKEN', 'hunter2'],
    ['SYNC_CHECK_CONCURRENCY', '0'],
    ['SYNC_CHECK_CONCURRENCY', '257'],
    ['SYNC_UPLOAD_CONCURRENCY', '65'],
    ['SYNC_UPLOAD_CONCURRENCY', '1.5'],
    ['SYNC_UPLOAD_MEMORY_MB', '0'],
    ['EXISTENCE_CHECK', 'hunter2'],
    ['MAX_DELETE', 'hunter2'],
    ['MAX_DELETE', '101%'],
    ['MAX_DELETE', '-77'],
    ['STABLE_SECONDS', '3601'],
    ['ORPHAN_GRACE_DAYS', 'hunter2'],
    ['MAX_PIXELS', '0'],
    ['MAX_PIXELS', 'hunter2'],
    ['SYNC_INTERVAL_SECONDS', '86401'],
    ['RECONCILE_CRON', 'hunter2'],
    ['RECONCILE_CRON', '7 5 * *'],
    ['RECONCILE_CRON', '0 0 3 * * *'],
    ['RECONCILE_CRON', '0 3 * * ; *'],
    ['LOG_LEVEL', 'hunter2'],
    ['LOG_KEEP_DAYS', '0'],
  ])('of %s (%s) stops the start, names the variable and keeps the value to itself', (name, value) => {
    const error = errorOf({ [name]: value });
    expect(error).toMatchObject({ code: 'BAD_CONFIG', field: name, exitCode: 2 });
    expect(error.message).toMatch(new RegExp(`^${name} must `));
    if (value.length > 3) expect(error.message).not.toContain(value);
    expect(error.message).not.toMatch(/hunter2/i);
    expect(error.message).not.toContain('\n');
  });

  test('in .env is named just the same', () => {
    writeFileSync(join(cwd, '.env'), 'PORT=hunter2\n');
    expect(errorOf({}).message).toBe('PORT must be a whole number from 0 to 65535');
  });

  test.each([
    ['photos/', 'photos/'],
    ['photos/', 'photos/small/'],
    ['photos/all/', 'photos/'],
  ])('is prefixes that contain each other: %s and %s', (a, b) => {
    expect(errorOf({ S3_PREFIX: a, S3_VARIANTS_PREFIX: b })).toMatchObject({ field: 'S3_VARIANTS_PREFIX' });
  });

  test('is a host beyond loopback without a token', () => {
    expect(errorOf({ HOST: '0.0.0.0' })).toMatchObject({ code: 'BAD_CONFIG', field: 'API_TOKEN' });
    expect(loadConfig({ HOST: '0.0.0.0', ...token }, cwd).host).toBe('0.0.0.0');
    for (const host of ['127.0.0.1', '::1', 'localhost']) expect(loadConfig({ HOST: host }, cwd).host).toBe(host);
  });
});

describe('.env.example', () => {
  const text = readFileSync(join(import.meta.dirname, '../../.env.example'), 'utf8');
  const settings = new Map([...text.matchAll(/^#?([A-Z0-9_]+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]));
  const forTheSdk = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];

  test('lists every variable that is read and no other', () => {
    const read = Object.keys(Environment.shape);
    expect([...settings.keys()].filter((name) => !forTheSdk.includes(name)).sort()).toEqual(read.sort());
  });

  test('says what each variable does in the lines above it', () => {
    const lines = text.split('\n');
    for (const [i, line] of lines.entries()) {
      if (/^#?[A-Z0-9_]+=/.test(line) && !forTheSdk.includes(line.replace(/^#|=.*/g, ''))) {
        expect(lines[i - 1], line).toMatch(/^# \S.{20,}/);
      }
    }
  });

  test('shows the defaults: setting a variable to what it shows changes nothing', () => {
    const { demoLibrary: _, ...defaults } = loadConfig({}, cwd);
    for (const [name, value] of settings) {
      const { demoLibrary: __, ...config } = loadConfig({ [name]: value }, cwd);
      expect(config, name).toEqual(defaults);
    }
  });

  test('leaves no default out', () => {
    const withDefault = Object.entries(Environment.parse({})).filter(([, value]) => value !== undefined);
    for (const [name] of withDefault) expect(settings.get(name), name).not.toBe('');
  });

  test('copied to .env as it is changes nothing', () => {
    writeFileSync(join(cwd, '.env'), text);
    const config = loadConfig({}, cwd);
    rmSync(join(cwd, '.env'));
    expect(config).toEqual(loadConfig({}, cwd));
  });
});
