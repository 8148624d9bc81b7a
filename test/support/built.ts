/** The built program, for tests that run it as its users do. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
/** Below node_modules, so that the built program finds its dependencies as an installed one does. */
const CACHE = join(ROOT, 'node_modules/.cache/rollcall-built');
/** What a package holds beside `dist`. */
const PACKAGED = ['package.json', 'bin', 'prisma'];
const BUNDLE = 'scripts/bundle.mjs';
const DAY_MS = 86_400_000;

/**
 * The path of `bin/rollcall.js` of a package built from the sources as they are. Its folder is named after their
 * contents: it is never stale, and made once for all test files and runs until a source changes.
 */
export async function builtCli(): Promise<string> {
  const built = join(CACHE, hashOfSources());
  if (!existsSync(built)) await build(built);
  return join(built, 'bin/rollcall.js');
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  const settings = ['package.json', 'package-lock.json', 'tsconfig*.json', 'vite.config.ts', BUNDLE];
  const sources = ['src/**/*', 'bin/*', 'prisma/**/*', ...settings];
  const files = globSync(sources, { cwd: ROOT });
  for (const file of files.sort()) {
    const path = join(ROOT, file);
    if (statSync(path).isFile()) hash.update(file).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/** Two test files that build at the same time each make their own; the first to finish is kept. */
async function build(target: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  removeOld();
  const folder = mkdtempSync(join(CACHE, 'building-'));
  for (const part of PACKAGED) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  await compile(join(folder, 'dist'));
  await bundle(join(folder, 'dist'));
  await buildPage(join(folder, 'dist/web'));
  try {
    renameSync(folder, target);
  } catch (thrown) {
    rmSync(folder, { recursive: true });
    if (!existsSync(target)) throw thrown;
  }
}

async function compile(outDir: string): Promise<void> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', outDir, '--declaration', 'false'];
  try {
    await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  } catch (thrown) {
    // A type error is for the type check to report: what it emits still runs.
    if (!existsSync(join(outDir, 'main.js'))) throw thrown;
  }
}

async function bundle(dist: string): Promise<void> {
  await promisify(execFile)(process.execPath, [join(ROOT, BUNDLE), dist], { cwd: ROOT });
}

/** The admin page. */
async function buildPage(outDir: string): Promise<void> {
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
  const args = [vite, 'build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn'];
  await promisify(execFile)(process.execPath, args, { cwd: ROOT });
}

function removeOld(): void {
  for (const name of globSync('*', { cwd: CACHE })) {
    const path = join(CACHE, name);
    const facts = statSync(path, { throwIfNoEntry: false });
    if (facts && Date.now() - facts.mtimeMs > DAY_MS) rmSync(path, { recursive: true, force: true });
  }
}
