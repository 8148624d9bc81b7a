import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { archiveLog } from '../../src/archive-log.ts';
import type { NewlyWaiting } from '../../src/sync/archive.ts';
import type { Log } from '../../src/sync/ports.ts';

const NOON = Date.parse('2026-11-20T12:00:00.123Z');
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollcall-archive-log-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const waiting = (key: string): NewlyWaiting => ({
  bucket: 'my-bucket',
  key,
  storageClass: 'GLACIER',
  what: 'move',
  path: 'new name.jpg',
});

function logged(): { readonly log: Log; readonly warnings: string[] } {
  const warnings: string[] = [];
  const silent = () => {};
  const warn = (_fields: object, message: string) => void warnings.push(message);
  return { log: { debug: silent, info: silent, warn, error: silent }, warnings };
}

test('what waits is one line an object, added to those that are there, for its owner only', () => {
  const { log, warnings } = logged();
  const tell = archiveLog(join(dir, 'logs'), log, () => NOON);
  tell([waiting('photos/a b.jpg')]);
  tell([]);
  tell([waiting('photos/ü.jpg'), waiting('photos/line\nbreak\tand tab.jpg')]);
  const path = join(dir, 'logs/archive_restore_needed.log');
  expect(readFileSync(path, 'utf8')).toBe(
    [
      '2026-11-20T12:00:00.123Z\ts3://my-bucket/photos/a b.jpg\tGLACIER\tmove to new name.jpg\n',
      '2026-11-20T12:00:00.123Z\ts3://my-bucket/photos/ü.jpg\tGLACIER\tmove to new name.jpg\n',
      '2026-11-20T12:00:00.123Z\ts3://my-bucket/photos/line%0Abreak%09and tab.jpg\tGLACIER\tmove to new name.jpg\n',
    ].join(''),
  );
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(warnings).toEqual([]);
});

test('a folder that cannot be written is a warning and stops nothing', () => {
  writeFileSync(join(dir, 'taken'), '');
  const { log, warnings } = logged();
  archiveLog(join(dir, 'taken/logs'), log)([waiting('a.jpg')]);
  expect(warnings).toEqual(['archive_restore_needed.log could not be written (LOG_DIR)']);
});
