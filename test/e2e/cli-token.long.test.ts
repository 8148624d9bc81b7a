/** `rollcall token`, and what the server and its page make of what it prints. */
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliWorld, cliWorld, jsonLines } from './cli-world.ts';
import { button, type PageWorld, pageWorld, sees, startBrowser } from './page-world.ts';

let world: CliWorld;
let browser: Browser;
let served: PageWorld;
let file: string;

beforeAll(async () => {
  world = await cliWorld();
  file = join(world.dir, 'tokens');
  world.env['API_TOKENS_FILE'] = file;
  browser = await startBrowser();
});
afterAll(async () => {
  await served?.close();
  await browser.close();
  world.close();
});

async function made(...args: string[]): Promise<string> {
  const ran = await world.run('token', ...args, '--add');
  expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^rollcall_[\w-]{43}\n$/) });
  return ran.stdout.trim();
}

test('a token is printed once, and only its digest is kept, in a file for its owner alone', async () => {
  const token = await made('--scope', 'read', '--name', 'gallery');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toMatch(/^read \| gallery \| [0-9a-f]{64}\n$/);
  expect(readFileSync(file, 'utf8')).not.toContain(token);
  // Nothing that it prints goes into a log.
  expect(existsSync(join(world.dir, 'logs'))).toBe(false);
});

test('a file that was written by hand, without an end of its last line, is added to and not spoiled', async () => {
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, `${before}# mine`);
  await made('--scope', 'sync', '--name', 'laptop', '--expires', '2099-01-31');
  expect(readFileSync(file, 'utf8')).toMatch(/# mine\nsync \| laptop \| [0-9a-f]{64} \| 2099-01-31\n$/);
});

test('without --add the line is told, and the file left alone', async () => {
  const before = readFileSync(file, 'utf8');
  const ran = await world.run('token', '--scope', 'admin', '--name', 'me');
  expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/\nadmin \| me \| [0-9a-f]{64}\n$/) });
  const [line] = jsonLines((await world.run('token', '--scope', 'admin', '--name', 'me', '--json')).stdout);
  expect(line).toMatchObject({ type: 'report', token: expect.stringMatching(/^rollcall_/), file: null });
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test.each([
  [['--scope', 'read'], /required option '--name/],
  [['--name', 'x'], /required option '--scope|mandatory|not specified/],
  [['--scope', 'root', '--name', 'x'], /Allowed choices are read, sync, admin/],
  [['--scope', 'read', '--name', 'two words'], /--name must be/],
  [['--scope', 'read', '--name', 'a\u001b[2J\n| x'], /--name must be/],
  [['--scope', 'read', '--name', 'x', '--expires', 'soon'], /--expires must be/],
  [['--scope', 'read', '--name', 'x', '--expires', '2001-01-01'], /--expires must be a day to come/],
])('%j is a usage error', async (args, message) => {
  const ran = await world.run('token', ...args);
  expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
  expect(ran.stderr).toMatch(message);
});

test('a file that others may read is refused, by the command and by the server', async () => {
  chmodSync(file, 0o644);
  for (const args of [['token', '--scope', 'read', '--name', 'x', '--add'], ['serve']]) {
    const ran = await world.run(...args);
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('others may read or change') });
  }
  chmodSync(file, 0o600);
});

test('the page lets a reader in, says what its token may not do, and takes another one', async () => {
  const [read, sync] = [await made('--scope', 'read', '--name', 'r'), await made('--scope', 'sync', '--name', 's')];
  served = await pageWorld(browser, { API_TOKENS_FILE: file });
  served.write('2024/a.jpg');
  const page = await served.open('/sync');
  await page.getByLabel('Token').fill(read);
  await button(page, 'Open').click();
  await page.getByRole('heading', { name: 'Sync' }).waitFor();
  await button(page, /^Preview/).click();
  await sees(page, /needs a token with the scope sync, and the token r has the scope read/);
  await button(page, 'Other token').click();
  await page.getByLabel('Token').fill(sync);
  await button(page, 'Open').click();
  await page.getByRole('heading', { name: 'Sync' }).waitFor();
  await button(page, /^Preview/).click();
  await sees(page, /^1 step, \d+ B to transfer/);
  expect(served.faults).toEqual([]);
});
