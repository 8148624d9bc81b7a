/** API_TOKENS_FILE, read again whenever it changes: tokens come and go without a restart. */
import { type BigIntStats, closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { RollcallError } from '../errors.ts';
import type { Clock, Log } from '../sync/ports.ts';
import { parseTokenLines, type TokenEntry } from './token-lines.ts';

/** Where tokens beside API_TOKEN are found. */
export interface TokenSource {
  /** BAD_CONFIG if it cannot be used as it is: for the start, which should not go on then. */
  check(): void;
  /** Those that are good as things are now. What cannot be read opens nothing. */
  entries(): readonly TokenEntry[];
}

/** A file system's clock ticks every few milliseconds: what was written in this time could change unseen. */
const SETTLED_MS = 2_000;
const MOST_BYTES = 1024 * 1024;

/** Looks at the file's state each time it is asked, and at its lines when that is another. */
export function tokenFile(path: string, log: Log, now: Clock = Date.now): TokenSource {
  let known: { readonly state: string; readonly entries: readonly TokenEntry[]; readonly told: string } | null = null;
  return {
    check() {
      const { fault } = readTokens(path);
      if (fault !== null)
        throw new RollcallError('BAD_CONFIG', `API_TOKENS_FILE ${fault}`, { field: 'API_TOKENS_FILE' });
    },
    entries() {
      const state = stateOf(path);
      if (known?.state === state) return known.entries;
      const { entries, fault, changedMs } = readTokens(path);
      const told = fault ?? '';
      if (fault !== null && known?.told !== told) log.error({ code: 'BAD_CONFIG' }, `API_TOKENS_FILE ${fault}`);
      const settled = now() - changedMs > SETTLED_MS;
      known = { state: settled ? state : '', entries, told };
      return entries;
    },
  };
}

/** Everything that changes when the file does; a word when it is not there. */
function stateOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (thrown) {
    return `none: ${codeOf(thrown)}`;
  }
}

interface Read {
  readonly entries: readonly TokenEntry[];
  /** The first thing that is wrong, to read on after the variable's name. */
  readonly fault: string | null;
  readonly changedMs: number;
}

function readTokens(path: string): Read {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (thrown) {
    return unreadable(thrown);
  }
  try {
    const stats = fstatSync(fd, { bigint: true });
    const changedMs = Number(stats.ctimeMs);
    const unsafe = faultOf(stats);
    if (unsafe !== null) return { entries: [], fault: unsafe, changedMs };
    const { entries, faults } = parseTokenLines(readFileSync(fd, 'utf8'));
    const [first] = faults;
    return { entries, fault: first === undefined ? null : `: line ${first.line} ${first.message}`, changedMs };
  } catch (thrown) {
    return unreadable(thrown);
  } finally {
    closeSync(fd);
  }
}

/** Never settled: it may be this process that has no file descriptor left, and the file looks the same when it has. */
function unreadable(thrown: unknown): Read {
  const fault = `names a file that cannot be read (${codeOf(thrown)})`;
  return { entries: [], fault, changedMs: Number.POSITIVE_INFINITY };
}

/** Whoever can write it lets himself in. Windows has no such modes. */
function faultOf(stats: BigIntStats): string | null {
  if (!stats.isFile()) return 'must name a file';
  if (stats.size > MOST_BYTES) return 'names a file of more than 1 MiB';
  if (process.platform === 'win32') return null;
  if ((stats.mode & 0o077n) !== 0n) return 'names a file that others may read or change: chmod 600 it';
  const own = process.getuid?.();
  if (stats.uid !== 0n && Number(stats.uid) !== own)
    return 'names a file of another user: chown it to the one that runs this';
  return null;
}

function codeOf(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException).code ?? 'unknown error';
}
