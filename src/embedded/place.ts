/** Where the database's files lie, and which user they belong to. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { RollcallError } from '../errors.ts';
import { type Account, accountForRoot, closedFolders } from './account.ts';
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
 * DATA_DIR/postgres; but for root, whose PostgreSQL runs as another user, a link from there to a folder under
 * SYSTEM_FOLDER when that user can't get to DATA_DIR because a folder above is closed (/root). Data that exists stays
 * where it is. `dataDir` is a real path. DATABASE_UNREACHABLE when the data can't be reached.
 */
export async function postgresPlace(dataDir: string): Promise<PostgresPlace> {
  const inside = join(dataDir, 'postgres');
  if (process.getuid?.() !== 0) return { dataFolder: inside, account: null, notices: [] };
  const linked = linkTarget(inside);
  const account = ownerUnlessRoot(linked ?? inside) ?? (await accountForRoot());
  if (linked === null) {
    const closed = closedAfterOpeningOurs(dataDir, account);
    if (closed === undefined) return { dataFolder: inside, account, notices: [] };
    if (existsSync(inside)) throw unreachable(inside, closed, account);
  }
  const dataFolder = linked ?? join(SYSTEM_FOLDER, randomBytes(8).toString('hex'), 'postgres');
  makeOutside(dirname(dataFolder), dataDir);
  // Through the link, whoever removes or moves DATA_DIR removes or moves its database with it.
  if (linked === null) symlinkSync(dataFolder, inside);
  const why = `PostgreSQL does not run as root, and the user it runs as can't enter every folder above ${dataDir}.`;
  return { dataFolder, account, notices: [`The database's files are in ${dataFolder}: ${why}`] };
}

function linkTarget(path: string): string | null {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  return isLink ? readlinkSync(path) : null;
}

/** Data that an ordinary user made stays that user's. */
function ownerUnlessRoot(folder: string): Account | undefined {
  const owner = statSync(folder, { throwIfNoEntry: false });
  return owner === undefined || owner.uid === 0 ? undefined : { uid: owner.uid, gid: owner.gid };
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
  const note = join(outside, 'belongs-to');
  const owner = existsSync(note) ? readFileSync(note, 'utf8').trim() : dataDir;
  if (owner !== dataDir && linkTarget(join(owner, 'postgres')) === join(outside, 'postgres')) {
    const message = `DATA_DIR ${dataDir} is a copy of ${owner}, and both link to the same database. Remove ${dataDir}/postgres.`;
    throw new RollcallError('DATABASE_UNREACHABLE', message);
  }
  mkdirSync(outside, { recursive: true });
  // Whatever the umask left of the modes: the server's user must get through.
  chmodSync(SYSTEM_FOLDER, 0o755);
  chmodSync(outside, 0o711);
  writeFileSync(note, `${dataDir}\n`);
}

function unreachable(dataFolder: string, closed: string, { uid }: Account): RollcallError {
  const message = `The database's files in ${dataFolder} belong to user ${uid}, who can't enter ${closed}. Run chmod o+x on it, or set DATABASE_URL.`;
  return new RollcallError('DATABASE_UNREACHABLE', message);
}
