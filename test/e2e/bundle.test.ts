import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../scripts/bundle.mjs');
const WEEK_SECONDS = 7 * 86_400;

let folder: string;
let dist: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'rollcall-bundle-')));
  dist = join(folder, 'dist');
  mkdirSync(dist);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(dist, 'main.js'),
    "export const part = () => import('./part.js');\nconsole.log(import.meta.url);\n",
  );
  writePart(1);
});

afterEach(() => rmSync(folder, { recursive: true }));

function writePart(version: number): void {
  writeFileSync(join(dist, 'part.js'), `export const version = ${version};\n`);
}

async function bundle(path = dist): Promise<void> {
  await promisify(execFile)(process.execPath, [SCRIPT, path]);
}

function parts(): string[] {
  return readdirSync(join(dist, 'bundle')).filter((name) => name.startsWith('part-'));
}

function letAWeekPass(): void {
  for (const name of readdirSync(join(dist, 'bundle'))) {
    const then = Date.now() / 1000 - WEEK_SECONDS - 60;
    utimesSync(join(dist, 'bundle', name), then, then);
  }
}

test('what a server of the former build has not loaded yet stays for a week after the build that replaces it', async () => {
  await bundle();
  const [former] = parts();
  letAWeekPass();
  writePart(2);
  await bundle();
  expect(parts()).toHaveLength(2);
  await bundle();
  expect(parts()).toContain(former);
  letAWeekPass();
  await bundle();
  expect(parts()).toHaveLength(1);
  expect(parts()).not.toContain(former);
});

test('after a build that came to nothing there is no program to start', async () => {
  await bundle();
  expect(readdirSync(join(dist, 'bundle'))).toContain('main.js');
  writeFileSync(join(dist, 'part.js'), 'export const version = ;\n');
  await expect(bundle()).rejects.toThrow();
  expect(readdirSync(join(dist, 'bundle'))).not.toContain('main.js');
});

test('modules know where they were compiled, also when the folder is reached by a link', async () => {
  const link = join(folder, 'link');
  symlinkSync(dist, link);
  await bundle(link);
  const { stdout } = await promisify(execFile)(process.execPath, [join(dist, 'bundle/main.js')]);
  expect(stdout.trim()).toBe(`file://${join(dist, 'main.js')}`);
});

test('a build in which no module has kept its place is refused', async () => {
  writeFileSync(join(dist, 'main.js'), "export const part = () => import('./part.js');\n");
  await expect(bundle()).rejects.toThrow('has kept its place');
});
