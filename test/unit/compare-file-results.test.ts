import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/sync/actions.ts';
import type { ActionRecord } from '../../src/sync/catalog-port.ts';
import { type FileTrace, resultOf } from '../../src/sync/file-results.ts';
import type { FileTask } from '../../src/sync/service.ts';
import type { Report, Triple } from '../../src/sync/types.ts';
import { REPORT, UPLOAD } from '../support/http-parts.ts';

const key = 'photos/x/a.jpg';
const path = 'x/a.jpg';
const local = { key, path, size: 3, mtimeNs: 5n, device: 1n, inode: 2n };
const object = { key, size: 3, etag: 'e', lastModifiedMs: 1, storageClass: 'STANDARD' };
const both: Triple = { key, local, object };
const action: Action = { ...UPLOAD, key, path };

const record = (kind: string, outcome: ActionRecord['outcome'] = 'done', code?: string): ActionRecord => ({
  kind,
  path,
  key,
  outcome,
  bytes: 0,
  ...(code && { code, message: `why ${code}` }),
});
const problem = { path: 'elsewhere', code: 'LISTING_FAILED', message: 'page 2' };
const resultFor = (
  task: FileTask,
  trace: FileTrace | undefined,
  run: { complete?: boolean; report?: Partial<Report> } = {},
) => resultOf(task, path, trace, { complete: run.complete ?? true, report: { ...REPORT, ...run.report } });

describe('what an action came to', () => {
  test.each<[FileTask, string, string]>([
    ['upload', 'upload', 'uploaded'],
    ['upload', 'reupload', 'uploaded'],
    ['upload', 'adopt', 'skipped'],
    ['upload', 'update', 'skipped'],
    ['download', 'download', 'downloaded'],
    ['download', 'adopt', 'skipped'],
    ['remove', 'delete', 'removed'],
  ])('%s: %s done is %s', (task, kind, status) => {
    expect(resultFor(task, { triple: both, action, record: record(kind) })).toEqual({ status });
  });

  test.each<[ActionRecord['outcome'], string]>([
    ['conflict', 'conflict'],
    ['failed', 'failed'],
    ['unstable', 'skipped'],
  ])('%s is %s, with its code and message', (outcome, status) => {
    const trace = { triple: both, action, record: record('upload', outcome, 'CODE') };
    expect(resultFor('upload', trace)).toEqual({ status, code: 'CODE', message: 'why CODE' });
  });
});

describe('what is not there', () => {
  test.each<[FileTask, FileTrace, string]>([
    ['upload', { triple: { key, object }, action: null }, 'FILE_GONE'],
    ['upload', { triple: { key, object }, action, record: record('mark') }, 'FILE_GONE'],
    ['download', { triple: { key, local }, action: null }, 'OBJECT_MISSING'],
    ['download', { triple: { key }, action, record: record('report', 'done', 'LOST') }, 'OBJECT_MISSING'],
    ['remove', { triple: { key, local }, action: null }, 'OBJECT_MISSING'],
  ])('to %s is not found', (task, trace, code) => {
    expect(resultFor(task, trace)).toMatchObject({ status: 'not_found', code });
  });

  test.each<FileTask>(['upload', 'download', 'remove'])('a name that nobody knows is not found to %s', (task) => {
    expect(resultFor(task, undefined)).toMatchObject({ status: 'not_found', code: 'NOT_FOUND' });
  });

  test.each<[FileTask, FileTrace | undefined]>([
    ['upload', undefined],
    ['upload', { triple: { key, object }, action: null }],
    ['upload', { triple: { key, local }, action: null }],
    ['download', { triple: { key, local }, action: null }],
    ['download', { triple: { key, object }, action: null }],
    ['remove', { triple: both, action }],
  ])('to %s is failed, not missing, where a side could not be read whole (%#)', (task, trace) => {
    const run = { complete: false, report: { failures: [problem] } };
    expect(resultFor(task, trace, run)).toEqual({ status: 'failed', code: 'LISTING_FAILED', message: 'page 2' });
  });
});

describe('what was left alone', () => {
  test('because both sides agree', () => {
    const agreed = { status: 'skipped', message: 'disk and bucket agree already' };
    expect(resultFor('upload', { triple: both, action: null })).toEqual(agreed);
    expect(resultFor('download', { triple: both, action: null }, { complete: false })).toEqual(agreed);
  });

  test('because an exclude hides its place', () => {
    const trace = { triple: { key, object }, action: null };
    expect(resultFor('download', trace)).toMatchObject({
      status: 'skipped',
      message: expect.stringContaining('exclude'),
    });
  });
});

describe('what was not begun', () => {
  const trace = { triple: both, action };

  test.each<[string, Partial<Report>, string]>([
    ['for what ended the run', { error: { code: 'CANCELLED', message: 'stopped' } }, 'CANCELLED'],
    ['for what made the rest hopeless', { failures: [{ path: 'b', code: 'DISK_FULL', message: 'full' }] }, 'DISK_FULL'],
    ['for no reason that is known', {}, 'CANCELLED'],
  ])('is failed %s', (_name, report, code) => {
    expect(resultFor('download', trace, { report })).toMatchObject({ status: 'failed', code });
  });

  test('is failed for a reason of its own before any other', () => {
    const failures = [problem, { path, code: 'NAME_TOO_LONG', message: 'too long' }];
    expect(resultFor('upload', undefined, { report: { failures } })).toEqual({
      status: 'failed',
      code: 'NAME_TOO_LONG',
      message: 'too long',
    });
  });
});
