import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jsonLine } from '../../src/cli/json-lines.ts';
import { fileLogger, openLog, readableLine } from '../../src/cli/log.ts';
import { logFileName, openLogFile, removeOldLogs } from '../../src/cli/log-file.ts';
import { plain } from '../../src/cli/screen.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { RollcallError } from '../../src/errors.ts';

const DAY_MS = 86_400_000;
const NOON = Date.parse('2026-11-20T12:00:00.123Z');
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollcall-log-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function withAge(name: string, days: number): void {
  writeFileSync(join(dir, name), '');
  const seconds = (NOON - days * DAY_MS) / 1000;
  utimesSync(join(dir, name), seconds, seconds);
}

describe('log files', () => {
  test('are named by time and command, safe on every filesystem and sortable', () => {
    expect(logFileName('sync', NOON)).toBe('rollcall-20261120T120000123Z-sync.log');
    expect([NOON, NOON + 1, NOON + 1e9, NOON + 1e12].map((at) => logFileName('x', at))).toEqual(
      [NOON + 1e12, NOON + 1e9, NOON + 1, NOON].map((at) => logFileName('x', at)).sort(),
    );
  });

  test('are made in a folder that need not be there, for their owner only', () => {
    const { path } = openLogFile(join(dir, 'a/b'), 'sync', NOON);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('of commands that start together are never the same', () => {
    const paths = [1, 2, 3].map(() => openLogFile(dir, 'sync', NOON).path);
    expect(new Set(paths).size).toBe(3);
  });

  test('are removed by age; whatever else lies there stays', () => {
    withAge('rollcall-20260101T000000000Z-sync.log', 31);
    withAge('rollcall-20260102T000000000Z-serve.log', 29);
    withAge('rollcall-notes.log', 99);
    withAge('rollcall-20260101T000000000Z-sync.log.bak', 99);
    withAge('photo.jpg', 99);
    mkdirSync(join(dir, 'rollcall-20260101T000000001Z-sync.log'));
    symlinkSync('/etc/hosts', join(dir, 'rollcall-20260101T000000002Z-sync.log'));
    removeOldLogs(dir, 30, NOON);
    expect(readdirSync(dir).sort()).toEqual([
      'photo.jpg',
      'rollcall-20260101T000000000Z-sync.log.bak',
      'rollcall-20260101T000000001Z-sync.log',
      'rollcall-20260101T000000002Z-sync.log',
      'rollcall-20260102T000000000Z-serve.log',
      'rollcall-notes.log',
    ]);
  });

  test('in a folder that is not there are nothing to remove', () => {
    expect(() => removeOldLogs(join(dir, 'none'), 30, NOON)).not.toThrow();
  });
});

describe('the log of a command', () => {
  const config = (changes: Partial<Config>): Config => ({ ...loadConfig({}, dir), logDir: dir, ...changes });

  function linesOf(path: string | null): { level: string; msg: string; time: string; err?: { stack: string } }[] {
    return readFileSync(path ?? '', 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  test('has every action in the file, whatever LOG_LEVEL shows, and shows only from the level asked for', () => {
    const shown: string[] = [];
    const shownFrom = {
      from: 'warn',
      write: (level: string, _: object, text: string) => shown.push(`${level} ${text}`),
    } as const;
    const log = openLog(config({ logLevel: 'error' }), 'sync', shownFrom, () => {});
    log.debug({}, 'too much');
    log.info({ path: 'a' }, 'Uploading new photo: 100%s %d 日本.jpg');
    log.warn({}, 'careful');
    log.file.error({ err: new Error('deep') }, 'only in the file');
    expect(linesOf(log.path())).toMatchObject([
      { level: 'info', msg: 'Uploading new photo: 100%s %d 日本.jpg', path: 'a' },
      { level: 'warn', msg: 'careful' },
      { level: 'error', msg: 'only in the file', err: { stack: expect.stringContaining('at ') } },
    ]);
    expect(linesOf(log.path())[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    log.close();
    log.warn({}, 'too late for the file');
    expect(shown).toEqual(['warn careful', 'warn too late for the file']);
  });

  test('starts a new file after midnight and removes old ones, so that a server needs no restart', () => {
    let now = NOON;
    const shownFrom = { from: 'error', write: () => {} } as const;
    const log = openLog(
      config({}),
      'serve',
      shownFrom,
      () => {},
      () => now,
    );
    log.info({}, 'day one');
    const first = log.path();
    withAge('rollcall-20261021T130000000Z-serve.log', 29.9);
    now += DAY_MS / 4;
    log.info({}, 'still day one');
    expect(log.path()).toBe(first);
    now += DAY_MS / 2;
    log.info({}, 'day two');
    expect(linesOf(first).map((line) => line.msg)).toEqual(['day one', 'still day one']);
    expect(linesOf(log.path()).map((line) => line.msg)).toEqual(['day two']);
    expect(readdirSync(dir)).toHaveLength(2);
    log.close();
  });

  test('takes 64-bit numbers', () => {
    const log = openLog(config({}), 'sync', { from: 'error', write: () => {} }, () => {});
    const path = log.path();
    log.info({ inode: 2n ** 63n }, 'stat');
    log.close();
    expect(readFileSync(path ?? '', 'utf8')).toContain('9223372036854775808');
  });

  test.runIf(existsSync('/dev/full'))('goes on when the disk is full, and says so once', () => {
    const said: string[] = [];
    const file = { path: '/dev/full', fd: openSync('/dev/full', 'w') };
    const { logger, close } = fileLogger(file, 'info', (line) => said.push(line));
    logger.info('one');
    logger.info('two');
    close();
    expect(said).toEqual(['The log file is incomplete: ENOSPC: no space left on device, write']);
  });

  test('goes on without a file when the folder cannot be written, and says so once', () => {
    writeFileSync(join(dir, 'taken'), '');
    const said: string[] = [];
    const shown: string[] = [];
    const shownFrom = { from: 'warn', write: (_: string, __: object, text: string) => shown.push(text) } as const;
    const log = openLog(config({ logDir: join(dir, 'taken/logs') }), 'sync', shownFrom, (line) => said.push(line));
    log.warn({}, 'still shown');
    log.close();
    expect(said).toEqual([expect.stringMatching(/^No log file is written: ENOTDIR.*\(LOG_DIR\)$/)]);
    expect(log.path()).toBeNull();
    expect(shown).toEqual(['still shown']);
  });
});

test('a log line for people is one line, with the cause of an error', () => {
  expect(readableLine('warn', {}, 'two\nlines', plain)).toBe('Warning: two lines');
  expect(readableLine('error', { err: new Error('refused') }, 'cannot connect', plain)).toBe(
    'Error: cannot connect: refused',
  );
  expect(readableLine('error', { err: new Error('refused') }, 'refused', plain)).toBe('Error: refused');
  const request = { requestId: 'x', method: 'GET', path: '/api/runs', status: 200, ms: 3 };
  expect(readableLine('info', request, 'request', plain)).toBe('GET /api/runs: 200 (3 ms)');
  expect(readableLine('info', {}, 'Uploading new photo: a.jpg', plain)).toBe('Uploading new photo: a.jpg');
});

test('a log line for programs has errors and 64-bit numbers in it', () => {
  const err = new RollcallError('BUCKET_DENIED', 'no');
  expect(JSON.parse(jsonLine({ err, inode: 2n ** 63n }))).toEqual({
    err: { name: 'RollcallError', code: 'BUCKET_DENIED', message: 'no' },
    inode: '9223372036854775808',
  });
});
