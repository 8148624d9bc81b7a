/** The browser of the tests: all of it comes from npm, the libraries that a bare machine lacks and a font too. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import chromiumPackage from '@sparticuz/chromium';
import type { LaunchOptions } from 'playwright-core';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** How the browser is started on this machine. */
export async function chromiumLaunch(): Promise<LaunchOptions> {
  const folder = await unpacked();
  const executablePath = join(folder, 'chromium');
  // The machine's fonts, where it has any, have more letters than that of the package.
  const fonts = existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: join(folder, 'fonts') };
  const env = { ...process.env, ...fonts, ...(await libraries(executablePath, join(folder, 'al2023', 'lib'))) };
  // In a single process the first tab that is closed would take the whole browser along.
  const args = [...chromiumPackage.args.filter((arg) => arg !== '--single-process'), '--no-sandbox'];
  return { executablePath, args, env: env as Record<string, string>, headless: true };
}

/**
 * The machine's own libraries where it has them: those of the package are made for another system. Where the browser does
 * not start with them, those.
 */
async function libraries(executablePath: string, own: string): Promise<{ LD_LIBRARY_PATH?: string }> {
  const starts = (env: NodeJS.ProcessEnv) =>
    run(executablePath, ['--version'], { env: { ...process.env, ...env } }).then(
      () => true,
      (thrown: Error) => {
        if (thrown.message.includes('shared libraries')) return false;
        throw thrown;
      },
    );
  if (await starts({})) return {};
  const more = { LD_LIBRARY_PATH: [own, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':') };
  if (await starts(more)) return more;
  throw new Error('neither the libraries of this machine nor those of @sparticuz/chromium let the browser start');
}

/**
 * Where the package's archives are unpacked, once for each version. The package itself takes a file that another process
 * is still writing for one that is there: so each process unpacks for itself, and the first one's are everybody's.
 */
async function unpacked(): Promise<string> {
  const { version } = JSON.parse(readFileSync(packageFile(), 'utf8')) as { version: string };
  const folder = join(ROOT, 'node_modules', '.cache', `chromium-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const making = mkdtempSync(`${folder}-`);
  try {
    // It unpacks into the folder for temporary files, its libraries only where it takes the machine for a Lambda.
    const env = { ...process.env, TMPDIR: making, AWS_LAMBDA_JS_RUNTIME: 'nodejs24.x' };
    const script = `import('@sparticuz/chromium').then((made) => made.default.executablePath())`;
    await run(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, env });
    renameSync(making, folder);
  } catch (thrown) {
    if (!existsSync(folder)) throw thrown;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return folder;
}

function packageFile(): string {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  return join(dirname(entry), '..', 'package.json');
}
