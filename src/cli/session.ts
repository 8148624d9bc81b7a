/** What every command that does something shares: configuration, log, stop signals, and how it ends. */
import type { Config } from '../config.ts';
import { loadConfig } from '../config.ts';
import { asRollcallError, ExitCode, type RollcallError } from '../errors.ts';
import type { GlobalOptions } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import { type CommandLog, type Level, openLog, readableLine } from './log.ts';
import type { Screen } from './screen.ts';
import { listenForStop } from './signals.ts';
import { oneLine } from './text.ts';

export interface Session {
  readonly config: Config;
  readonly options: GlobalOptions;
  readonly screen: Screen;
  readonly log: CommandLog;
  /** Aborts when the user asks to stop. */
  readonly signal: AbortSignal;
  /** Adds to what the last line of the log says of this run. */
  summarise(fields: object): void;
}

/** How a command is run. */
export interface CommandRun {
  readonly name: string;
  readonly options: GlobalOptions;
  readonly screen: Screen;
  /** Where log lines go beside the file; left out: warnings, or all from LOG_LEVEL on if verbose, to `say`. */
  readonly shown?: (config: Config) => {
    readonly from: Level;
    write(level: Level, fields: object, message: string): void;
  };
  /** What Ctrl-C is answered with. */
  readonly stopping: string;
  body(session: Session): Promise<number>;
}

/** Runs a command to its exit code. Whatever it throws becomes one clear line; stacks go to the log file only. */
export async function runCommand(run: CommandRun): Promise<number> {
  const { screen, options } = run;
  let config: Config;
  try {
    config = loadConfig();
  } catch (thrown) {
    return tellError(asRollcallError(thrown), { screen, options, log: null });
  }
  const shown = run.shown?.(config) ?? {
    from: options.verbose ? config.logLevel : 'warn',
    write: (level, fields, message) => screen.say(readableLine(level, fields, message, screen.paint.err)),
  };
  const log = openLog(config, run.name, shown, screen.say);
  const { summarise, end } = endOf(run, log);
  const stop = listenForStop(
    () => {
      log.file.info({}, 'asked to stop');
      screen.say(run.stopping);
    },
    (exitCode) => process.exit(end(exitCode, 'was ended at once')),
  );
  const told = (thrown: unknown) => {
    const error = asRollcallError(thrown);
    summarise({ error: { code: error.code, message: error.message } });
    return tellError(error, { screen, options, log });
  };
  // Not taken off again: what a part throws after its end must not print a stack either.
  process.on('uncaughtException', (thrown) => process.exit(end(told(thrown), 'broke off')));
  let exitCode: number = ExitCode.photosFailed;
  try {
    log.file.info({ argv: process.argv.slice(2) }, `rollcall ${run.name} begins`);
    exitCode = await run.body({ config, options, screen, log, signal: stop.signal, summarise });
  } catch (thrown) {
    exitCode = told(thrown);
  } finally {
    stop.close();
    end(exitCode, 'ends');
  }
  return exitCode;
}

/** The last line of every log: how the command ended, after how long, and what it had to say in sum. */
function endOf({ name, screen }: CommandRun, log: CommandLog) {
  const startedMs = performance.now();
  const summary = {};
  return {
    summarise: (fields: object) => void Object.assign(summary, fields),
    end: (exitCode: number, how: string): number => {
      screen.live(null);
      const durationMs = Math.round(performance.now() - startedMs);
      log.file.info({ ...summary, exitCode, durationMs }, `rollcall ${name} ${how}, exit code ${exitCode}`);
      log.close();
      return exitCode;
    },
  };
}

/** Tells an error on the screen, and to a program as the last JSON line; answers its exit code. */
function tellError(
  error: RollcallError,
  { screen, options, log }: Pick<Session, 'screen' | 'options'> & { readonly log: CommandLog | null },
): number {
  log?.file.error({ err: error, code: error.code }, error.message);
  screen.live(null);
  if (options.json) screen.print(jsonLine({ type: 'error', code: error.code, message: oneLine(error.message) }));
  screen.say(`${screen.paint.err('red', 'rollcall:')} ${oneLine(error.message)} (${error.code})`);
  const hint = hintFor(error, log);
  if (hint !== null) screen.say(hint);
  return error.exitCode;
}

function hintFor(error: RollcallError, log: CommandLog | null): string | null {
  switch (error.code) {
    case 'BAD_CONFIG':
      return 'Settings come from the environment or .env; .env.example lists them all.';
    case 'SYNC_IN_PROGRESS':
      return 'Another sync is at work on these photos; try again when it is done.';
    case 'CANCELLED':
      return 'The next sync goes on from here.';
    case 'INTERNAL':
      return log?.path() ? `Details: ${log.path()}` : null;
    default:
      return null;
  }
}
