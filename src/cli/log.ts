/** The log of a command: all of it to the log file, what a person should see to the terminal. */
import { pino } from 'pino';
import type { Config } from '../config.ts';
import type { Log } from '../sync/ports.ts';
import { type LogFile, openLogFile, removeOldLogs } from './log-file.ts';
import type { Screen } from './screen.ts';
import { oneLine } from './text.ts';

export type Level = Config['logLevel'];
const RANK: Readonly<Record<Level, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

/** Where log lines go beside the file. */
export interface Shown {
  readonly from: Level;
  write(level: Level, fields: object, message: string): void;
}

export interface CommandLog extends Log {
  /** Writes to the file only: for what the screen tells in its own way. */
  readonly file: Log;
  /** Null: the log folder could not be written. */
  readonly path: string | null;
  /** Writes out what is buffered and closes the file. */
  close(): void;
}

/** Opens the log of a command. If LOG_DIR cannot be written, that is said once and the command goes on without. */
export function openLog(config: Config, command: string, shown: Shown, say: (line: string) => void): CommandLog {
  const file = tryLogFile(config, command, say);
  const toFile = file === null ? null : fileLogger(file, config.logLevel, say);
  const quiet = (level: Level) => (fields: object, message: string) => toFile?.logger[level](fields, message);
  const line = (level: Level) => (fields: object, message: string) => {
    toFile?.logger[level](fields, message);
    if (RANK[level] >= RANK[shown.from]) shown.write(level, fields, message);
  };
  return {
    ...everyLevel(line),
    file: everyLevel(quiet),
    path: file?.path ?? null,
    close: () => toFile?.close(),
  };
}

function everyLevel(line: (level: Level) => Log[Level]): Log {
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

function tryLogFile(config: Config, command: string, say: (line: string) => void): LogFile | null {
  try {
    const file = openLogFile(config.logDir, command, Date.now());
    removeOldLogs(config.logDir, config.logKeepDays, Date.now());
    return file;
  } catch (cause) {
    say(`No log file is written: ${oneLine((cause as Error).message)} (LOG_DIR)`);
    return null;
  }
}

function fileLogger(file: LogFile, level: Level, say: (line: string) => void) {
  const destination = pino.destination({ fd: file.fd, sync: false });
  let broken = false;
  destination.on('error', (cause: Error) => {
    if (!broken) say(`The log file is incomplete: ${oneLine(cause.message)}`);
    broken = true;
  });
  // The file holds every action whatever LOG_LEVEL shows on the terminal; `debug` adds to it.
  const fileLevel = RANK[level] < RANK.info ? level : 'info';
  const timestamp = pino.stdTimeFunctions.isoTime;
  const logger = pino(
    { level: fileLevel, base: null, timestamp, formatters: { level: (label) => ({ level: label }) } },
    destination,
  );
  return {
    logger,
    close() {
      try {
        destination.flushSync();
        destination.end();
      } catch (cause) {
        if (!broken) say(`The log file is incomplete: ${oneLine((cause as Error).message)}`);
      }
    },
  };
}

/** A log line as a person reads it. */
export function readableLine(level: Level, fields: object, message: string, paint: Screen['paint']['err']): string {
  const details = errorDetail(fields);
  const text = oneLine(details === null || message.includes(details) ? message : `${message}: ${details}`);
  if (level === 'warn') return paint('yellow', `Warning: ${text}`);
  if (level === 'error') return paint('red', `Error: ${text}`);
  return level === 'debug' ? paint('dim', text) : text;
}

function errorDetail(fields: object): string | null {
  const { err, error } = fields as { err?: unknown; error?: unknown };
  const cause = err ?? error;
  if (cause instanceof Error) return cause.message;
  return typeof cause === 'string' ? cause : null;
}
