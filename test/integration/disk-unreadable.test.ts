/**
 * Root reads what nobody may, so these tests look at the disk from a child process that gives up being root: with a
 * copy of the sources that anyone can read, because the checkout may lie in root's own folder.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

const CHILD = `
import { readdirSync, readFileSync } from 'node:fs';
import { openDisk } from './src/disk/disk.ts';
if (process.getuid() === 0) { process.setgroups([]); process.setegid(${NOBODY}); process.seteuid(${NOBODY}); }
const { root, album, vouch, stat, open } = JSON.parse(process.argv[2]);
const attempt = async (what) => { try { return await what(); } catch (e) { return { code: e.code, message: e.message }; } };
const { signal } = new AbortController();
const disk = openDisk({ id: '1', name: 'l', root, bucket: 'b', prefix: 'photos/', excludes: [], sync: 'up' });
const inventory = disk.walk(album ?? null, signal);
const files = [];
const walk = await attempt(async () => { for await (const batch of inventory.batches) files.push(...batch); return 'ended'; });
console.log(JSON.stringify({
  walk,
  paths: files.map((file) => file.path),
  problems: inventory.problems(),
  vouched: vouch.filter((path) => inventory.vouchesFor('photos/' + path)),
  verify: await attempt(() => disk.verifyRoot(signal)),
  stats: await Promise.all((stat ?? []).map((path) => attempt(() => disk.stat(path, signal)))),
  opened: await attempt(async () => open && (await disk.open(open, await disk.stat(open, signal), signal))),
  folder: await attempt(() => album && disk.hasFolder(album, signal)),
}, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
await disk.close();
`;

let folder: string;
let photos: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-unreadable-'));
  photos = join(folder, 'photos');
  for (const part of ['src/disk', 'src/sync', 'src/errors.ts', 'node_modules/ignore']) {
    cpSync(resolve(import.meta.dirname, '../..', part), join(folder, part), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'child.ts'), CHILD);
  for (const path of ['a/1.jpg', 'b/2.jpg', 'b/deep/3.jpg', 'c/4.jpg', 'd/5.jpg', 'd/6.jpg', 'e/7.jpg']) {
    mkdirSync(join(photos, path, '..'), { recursive: true });
    writeFileSync(join(photos, path), 'x');
  }
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  chmodSync(join(photos, 'b'), 0o000);
  // May be listed, but nothing in it looked at.
  chmodSync(join(photos, 'd'), 0o444);
  chmodSync(join(photos, 'e/7.jpg'), 0o000);
});

afterAll(() => {
  execFileSync('chmod', ['-R', 'u+rwX', folder]);
  rmSync(folder, { recursive: true });
});

function look(request: { root?: string; album?: string; vouch: string[]; stat?: string[]; open?: string }) {
  const child = [join(folder, 'child.ts'), JSON.stringify({ root: photos, ...request })];
  return JSON.parse(execFileSync(process.execPath, child, { encoding: 'utf8', cwd: folder }));
}

test('a folder that may not be read is named, and nothing below it is gone', () => {
  const vouch = ['a/gone.jpg', 'b/2.jpg', 'b/gone.jpg', 'b/deep/gone.jpg', 'b-gone.jpg', 'c/gone.jpg', 'gone/x.jpg'];
  const { walk, paths, problems, vouched } = look({ vouch });
  expect(walk).toBe('ended');
  expect(paths).toEqual(['a/1.jpg', 'c/4.jpg', 'e/7.jpg']);
  expect(problems).toContainEqual({
    path: 'b',
    code: 'FOLDER_UNREADABLE',
    message: expect.stringContaining('EACCES'),
    hides: true,
  });
  expect(vouched).toEqual(['a/gone.jpg', 'b-gone.jpg', 'c/gone.jpg', 'gone/x.jpg']);
});

test('a file that may not be looked at is named, and is not gone', () => {
  const { problems, vouched } = look({ vouch: ['d/5.jpg', 'd/6.jpg', 'd/gone.jpg'] });
  const unreadable = { code: 'FILE_UNREADABLE', message: expect.stringContaining('EACCES'), hides: true };
  expect(problems).toContainEqual({ path: 'd/5.jpg', ...unreadable });
  expect(problems).toContainEqual({ path: 'd/6.jpg', ...unreadable });
  expect(vouched).toEqual(['d/gone.jpg']);
});

test('an album that may not be read vouches for nothing', () => {
  for (const album of ['b', 'b/deep', 'b/gone']) {
    const { paths, problems, vouched } = look({ album, vouch: [`${album}/gone.jpg`] });
    expect(paths).toEqual([]);
    expect(problems).toMatchObject([{ path: 'b', code: 'FOLDER_UNREADABLE', hides: true }]);
    expect(vouched).toEqual([]);
  }
  expect(look({ album: 'b/gone', vouch: [] }).folder).toMatchObject({ code: 'FOLDER_UNREADABLE' });
});

test('a stat that is denied is not an absence, and a file that may not be read does not open', () => {
  const { stats, opened } = look({ vouch: [], stat: ['b/2.jpg', 'b/gone.jpg', 'c/gone.jpg'], open: 'e/7.jpg' });
  const denied = { code: 'FILE_UNREADABLE', message: expect.stringContaining('EACCES') };
  expect(stats).toEqual([denied, denied, null]);
  expect(opened).toEqual(denied);
});

test.each([0o000, 0o444, 0o111])('a root with mode %o is a guard, not an empty library', (mode) => {
  const root = join(folder, `closed-${mode}`);
  mkdirSync(root);
  if (isRoot) chownSync(root, NOBODY, NOBODY);
  chmodSync(root, mode);
  const { walk, verify } = look({ root, vouch: [] });
  const refusal = { code: 'GUARD_ROOT_UNREADABLE', message: expect.stringMatching(`${root}.*EACCES`) };
  expect(verify).toEqual(refusal);
  expect(walk).toEqual(refusal);
});
