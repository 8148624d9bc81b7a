/** `LOG_DIR/rollcall-<time>-<command>.log`: one file a command run, removed by age. */
import { lstatSync, mkdirSync, openSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

const LOG_NAME = /^rollcall-\d{8}T\d{9}Z-[a-z-]+\.log$/;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A new log file: open for writing, readable by its owner only. */
export interface LogFile {
  readonly path: string;
  readonly fd: number;
}

/** The name of the log that a command began at this time: sorts by time, safe on every filesystem. */
export function logFileName(command: string, atMs: number): string {
  return `rollcall-${new Date(atMs).toISOString().replaceAll(/[-:.]/g, '')}-${command}.log`;
}

/** Makes the folder and a new log file in it. Throws what the filesystem says. */
export function openLogFile(dir: string, command: string, nowMs: number): LogFile {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  // Commands that start in the same millisecond get the next ones; none ever writes into another's log.
  for (let atMs = nowMs; ; atMs += 1) {
    const path = join(dir, logFileName(command, atMs));
    try {
      return { path, fd: openSync(path, 'wx', 0o600) };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || atMs > nowMs + 1000) throw cause;
    }
  }
}

/**
 * Removes logs that nobody has written to for `keepDays`; only regular files of the name above. A file that cannot
 * be removed is left to the next run: tidying must never stop a command.
 */
export function removeOldLogs(dir: string, keepDays: number, nowMs: number): void {
  for (const name of namesIn(dir)) {
    const path = join(dir, name);
    try {
      const facts = lstatSync(path);
      if (facts.isFile() && nowMs - facts.mtimeMs > keepDays * DAY_MS) unlinkSync(path);
    } catch {
      // Another command removed it first, or it is not ours to remove.
    }
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir).filter((name) => LOG_NAME.test(name));
  } catch {
    return [];
  }
}
