/** PostgreSQL refuses to run as root: which user runs it instead, and which folders that user can reach. */
import { execFile } from 'node:child_process';
import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { RollcallError } from '../errors.ts';

const run = promisify(execFile);

/** An operating system user to start a process as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** `groupadd` and `useradd` are Debian's and Red Hat's; the second pair is BusyBox's (Alpine). */
const WAYS_TO_ADD_A_USER = [
  [
    ['groupadd', '--system', 'postgres'],
    ['useradd', '--system', '--gid', 'postgres', '--no-create-home', '--shell', '/bin/false', 'postgres'],
  ],
  [
    ['addgroup', '-S', 'postgres'],
    ['adduser', '-S', '-D', '-H', '-G', 'postgres', '-s', '/bin/false', 'postgres'],
  ],
] as const;

/** Who PostgreSQL runs as: null for the current user when that is not root, otherwise the account for root. */
export async function serverAccount(): Promise<Account | null> {
  return process.getuid?.() === 0 ? await accountForRoot() : null;
}

/** The user `postgres`, made when there is none. DATABASE_UNREACHABLE when it can't be made. */
export async function accountForRoot(): Promise<Account> {
  const known = await postgresUser();
  if (known !== null) return known;
  let cause: unknown;
  for (const commands of WAYS_TO_ADD_A_USER) {
    for (const [command, ...args] of commands) {
      // A group left by an earlier attempt is no failure; what counts is whether the user exists in the end.
      await run(command, args).catch((error: unknown) => {
        cause = error;
      });
    }
    const made = await postgresUser();
    if (made !== null) return made;
  }
  throw new RollcallError(
    'DATABASE_UNREACHABLE',
    'PostgreSQL does not run as root, and a user "postgres" to run it as could not be made. Make one, run Rollcall as another user, or set DATABASE_URL.',
    { cause },
  );
}

async function postgresUser(): Promise<Account | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

/** The folders from `path` (which must exist) up to the root that `account` can't pass through, nearest first. */
export function closedFolders(path: string, account: Account): string[] {
  const closed: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    if (!mayPass(statSync(folder), account)) closed.push(folder);
    if (folder === dirname(folder)) return closed;
  }
}

function mayPass(folder: Stats, { uid, gid }: Account): boolean {
  if (folder.uid === uid) return (folder.mode & 0o100) !== 0;
  if (folder.gid === gid) return (folder.mode & 0o010) !== 0;
  return (folder.mode & 0o001) !== 0;
}
