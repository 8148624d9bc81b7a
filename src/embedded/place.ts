/** Where the database's files lie, and which user they belong to. */
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { RollcallError } from '../errors.ts';
import { type Account, closedFolders, accountForRoot } from './account.ts';
import { SYSTEM_FOLDER } from './binaries.ts';
import { STATE_FILE } from './state.ts';

export interface PostgresPlace {
  readonly dataFolder: string;
  /** Null: the current user. */
  readonly account: Account | null;
  /** What is unexpected about the place, for a person. */
  readonly notices: readonly string[];
}

/**
 * DATA_DIR/postgres; but for root, whose PostgreSQL runs as another user, a folder under SYSTEM_FOLDER when that user
 * can't get there because a folder above is closed (/root). Data that exists stays where it is. `dataDir` is a real
 * path. DATABASE_UNREACHABLE when the data can't be reached.
 */
export async function postgresPlace(dataDir: string): Promise<PostgresPlace> {
  const inside = join(dataDir, 'postgres');
  if (process.getuid?.() !== 0) return { dataFolder: inside, account: null, notices: [] };
  const outside = join(SYSTEM_FOLDER, createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
  const existing = [inside, join(outside, 'postgres')].find((folder) => existsSync(folder));
  const account = ownerUnlessRoot(existing) ?? (await accountForRoot());
  if (existing === undefined || existing === inside) {
    const closed = closedAfterOpeningOurs(dataDir, account);
    if (closed === undefined) return { dataFolder: inside, account, notices: [] };
    if (existing === inside) throw unreachable(inside, closed, account);
  }
  makeOutside(outside, dataDir);
  const dataFolder = join(outside, 'postgres');
  const why = `PostgreSQL does not run as root, and the user it runs as can't enter every folder above ${dataDir}.`;
  return { dataFolder, account, notices: [`The database's files are in ${dataFolder}: ${why}`] };
}

/** Data that an ordinary user made stays that user's. */
function ownerUnlessRoot(folder: string | undefined): Account | undefined {
  if (folder === undefined) return undefined;
  const { uid, gid } = statSync(folder);
  return uid === 0 ? undefined : { uid, gid };
}

/** The nearest folder that keeps `account` out, once DATA_DIR itself, when it is Rollcall's own, lets it through. */
function closedAfterOpeningOurs(dataDir: string, account: Account): string | undefined {
  const closed = closedFolders(dataDir, account);
  if (closed.length === 1 && closed[0] === dataDir && isOurs(dataDir)) {
    // Passing through is all it needs: 0700 becomes 0711, and the folder's listing stays closed.
    chmodSync(dataDir, (statSync(dataDir).mode & 0o777) | 0o011);
    return undefined;
  }
  return closed[0];
}

/** DATA_DIR could be a folder with a life of its own (/root): its mode is then not ours to change. */
function isOurs(dataDir: string): boolean {
  if (existsSync(join(dataDir, STATE_FILE))) return true;
  return readdirSync(dataDir).every((name) => name.startsWith('embedded.') || name === 's3');
}

function makeOutside(outside: string, dataDir: string): void {
  mkdirSync(outside, { recursive: true });
  // Whatever the umask left of the modes: the server's user must get through.
  chmodSync(SYSTEM_FOLDER, 0o755);
  chmodSync(outside, 0o711);
  writeFileSync(join(outside, 'belongs-to'), `${dataDir}\n`);
}

function unreachable(dataFolder: string, closed: string, { uid }: Account): RollcallError {
  const message = `The database's files in ${dataFolder} belong to user ${uid}, who can't enter ${closed}. Run chmod o+x on it, or set DATABASE_URL.`;
  return new RollcallError('DATABASE_UNREACHABLE', message);
}
