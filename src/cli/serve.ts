/** `rollcall serve`: the server, until it is told to stop. */
import { once } from 'node:events';
import type { Config } from '../config.ts';
import { asRollcallError, ExitCode } from '../errors.ts';
import type { GlobalOptions } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import { type Level, readableLine } from './log.ts';
import type { Screen } from './screen.ts';
import { type Greeting, greetingLines } from './serve-greeting.ts';
import { runCommand, type Session } from './session.ts';

/** What the server syncs of the queue beside answering; workers add to it. */
const ALBUMS_AT_A_TIME = 2;

/** Runs the server to its exit code: 0 when it was told to stop. */
export function serve(options: GlobalOptions, screen: Screen, version: string): Promise<number> {
  return runCommand({
    name: 'serve',
    options,
    screen,
    stopping: 'Stopping…',
    shown: serverLog(options, screen),
    body: async (session) => {
      try {
        await serveUntilStopped(session, version);
      } catch (thrown) {
        // Ctrl-C while the parts were still coming up.
        if (!session.signal.aborted || asRollcallError(thrown).code !== 'CANCELLED') throw thrown;
      }
      screen.say('Stopped.');
      return ExitCode.ok;
    },
  });
}

/** A server's log is its output: for people on a terminal, JSON lines otherwise. */
export function serverLog(options: GlobalOptions, screen: Screen) {
  const asJson = options.json || !screen.interactive;
  return (config: Config) => ({ from: config.logLevel, write: asJson ? jsonLog(screen) : readableLog(screen) });
}

async function serveUntilStopped(session: Session, version: string): Promise<void> {
  const { config, log, signal, screen } = session;
  screen.live('Starting…');
  const [{ compose }, { createApp }, { listen }, { tokenFile }, { startTwoWay }] = await Promise.all([
    import('../compose.ts'),
    import('../http/app.ts'),
    import('../http/listen.ts'),
    import('../http/token-file.ts'),
    import('../jobs/two-way.ts'),
  ]);
  // Before anything is brought up for a server that will not start.
  if (config.apiTokensFile !== null) tokenFile(config.apiTokensFile, log).check();
  const rollcall = await compose(config, { demo: true, queue: { concurrency: ALBUMS_AT_A_TIME } }, log, signal);
  try {
    const app = createApp(rollcall.http);
    const server = await listen(app, { host: config.host, port: config.port, log }, signal);
    const ended = new AbortController();
    const { service, libraries } = rollcall;
    const schedule = { service, libraries, intervalSeconds: config.syncIntervalSeconds, log };
    const twoWay = startTwoWay(schedule, AbortSignal.any([signal, ended.signal]));
    try {
      screen.live(null);
      greet(session, { version, config, rollcall, address: urlOf(server), portWasBusy: server.portWasBusy });
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      ended.abort();
      try {
        await server.close();
      } finally {
        await twoWay;
      }
    }
  } finally {
    await rollcall.close();
  }
}

/** An address that a browser on this machine can open. */
function urlOf({ address, port }: { readonly address: string; readonly port: number }): string {
  const everywhere = address === '0.0.0.0' || address === '::';
  const host = everywhere ? 'localhost' : address.includes(':') ? `[${address}]` : address;
  return `http://${host}:${port}`;
}

function greet({ options, screen }: Session, greeting: Greeting): void {
  if (options.json) {
    const { places, notices } = greeting.rollcall;
    screen.print(jsonLine({ type: 'ready', address: greeting.address, version: greeting.version, places, notices }));
  } else {
    for (const line of greetingLines(greeting, screen.paint.out)) screen.print(line);
  }
}

function readableLog(screen: Screen) {
  return (level: Level, fields: object, message: string) => {
    const time = new Date().toTimeString().slice(0, 8);
    const { out } = screen.paint;
    screen.print(`${out('dim', time)} ${readableLine(level, fields, message, out)}`);
  };
}

function jsonLog(screen: Screen) {
  return (level: Level, fields: object, message: string) =>
    screen.print(jsonLine({ type: 'log', time: new Date().toISOString(), level, ...fields, msg: message }));
}
