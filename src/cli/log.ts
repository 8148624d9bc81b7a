/** The log of a command: all of it to log files, what a person should see to the terminal. */
import { closeSync, writeFileSync } from 'node:fs';
import { pino } from 'pino';
import type { Config } from '../config.ts';
import type { Clock, Log } from '../sync/ports.ts';
import { jsonForTerminals } from './json-lines.ts';
import { type LogFile, openLogFile, removeOldLogs } from './log-file.ts';
import type { Screen } from './screen.ts';
import { oneLine } from './text.ts';

export type Level = Config['logLevel'];
const RANK: Readonly<Record<Level, number>> = { debug: 20, info: 30, warn: 40, error: 50 };
const DAY_MS = 24 * 60 * 60 * 1000;

type Write = (level: Level, fields: object, message: string) => void;

/** Where log lines go beside the file. */
export interface Shown {
  readonly from: Level;
  readonly write: Write;
}

export interface CommandLog extends Log {
  /** Writes to the file only: for what the screen tells in its own way. */
  readonly file: Log;
  /** The file that is written now; null: the log folder could not be written. */
  path(): string | null;
  /** Closes the file; lines after that reach the screen only. */
  close(): void;
}

/**
 * Opens the log of a command: a file, and from each midnight (UTC) on a new one, so that a server's old lines go away
 * with their files. If LOG_DIR cannot be written, that is said once and the command goes on without.
 */
export function openLog(
  config: Config,
  command: string,
  shown: Shown,
  say: (line: string) => void,
  now: Clock = Date.now,
): CommandLog {
  const open = () => openFile(config, command, now(), say);
  let file = open();
  let day = Math.floor(now() / DAY_MS);
  const toFile: Write = (level, fields, message) => {
    const today = Math.floor(now() / DAY_MS);
    if (today !== day && file !== null) {
      file.close();
      file = open();
    }
    day = today;
    file?.logger[level](fields, message);
  };
  const toBoth: Write = (level, fields, message) => {
    toFile(level, fields, message);
    if (RANK[level] >= RANK[shown.from]) shown.write(level, fields, message);
  };
  return {
    ...everyLevel(toBoth),
    file: everyLevel(toFile),
    path: () => file?.path ?? null,
    close: () => {
      file?.close();
      file = null;
    },
  };
}

function everyLevel(write: Write): Log {
  const at = (level: Level) => (fields: object, message: string) => write(level, fields, message);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function openFile(
  { logDir, logKeepDays, logLevel }: Config,
  command: string,
  nowMs: number,
  say: (line: string) => void,
) {
  try {
    const file = openLogFile(logDir, command, nowMs);
    removeOldLogs(logDir, logKeepDays, nowMs);
    return { path: file.path, ...fileLogger(file, logLevel, say) };
  } catch (cause) {
    say(`No log file is written: ${oneLine((cause as Error).message)} (LOG_DIR)`);
    return null;
  }
}

/**
 * Each line is in the file when the call returns: those before a crash are the ones that matter. (Pino's own
 * destinations are not for this: the synchronous one never returns once the disk is full.)
 */
export function fileLogger({ fd }: LogFile, level: Level, say: (line: string) => void) {
  let broken = false;
  const write = (line: string) => {
    try {
      writeFileSync(fd, jsonForTerminals(line));
    } catch (cause) {
      if (!broken) say(`The log file is incomplete: ${oneLine((cause as Error).message)}`);
      broken = true;
    }
  };
  const logger = pino(
    {
      // The file holds every action whatever LOG_LEVEL shows on the terminal; `debug` adds to it.
      level: RANK[level] < RANK.info ? level : 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return { logger, close: () => closeSync(fd) };
}

/** A log line as a person reads it. */
export function readableLine(level: Level, fields: object, message: string, paint: Screen['paint']['err']): string {
  const text = oneLine(withDetail(fields, message));
  if (level === 'warn') return paint('yellow', `Warning: ${text}`);
  if (level === 'error') return paint('red', `Error: ${text}`);
  return level === 'debug' ? paint('dim', text) : text;
}

/** What a person needs of a line's fields: an error's message, what was requested. */
function withDetail(fields: object, message: string): string {
  const { err, method, path, status, ms } = fields as Readonly<Record<string, unknown>>;
  if (method !== undefined && status !== undefined) return `${method} ${path}: ${status} (${ms} ms)`;
  const cause = err instanceof Error ? err.message : '';
  return message.includes(cause) ? message : `${message}: ${cause}`;
}
