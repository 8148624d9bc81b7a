/** `rollcall worker`: hands for the queue that `rollcall serve` keeps, until it is told to stop. */
import { once } from 'node:events';
import { asRollcallError, ExitCode } from '../errors.ts';
import type { GlobalOptions } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import type { Screen } from './screen.ts';
import { serverLog } from './serve.ts';
import { runCommand, type Session } from './session.ts';
import { oneLine, printable } from './text.ts';

/** Runs the worker to its exit code: 0 when it was told to stop. */
export function worker(concurrency: number, options: GlobalOptions, screen: Screen, version: string): Promise<number> {
  return runCommand({
    name: 'worker',
    options,
    screen,
    stopping: 'Stopping…',
    shown: serverLog(options, screen),
    body: async (session) => {
      try {
        await workUntilStopped(concurrency, session, version);
      } catch (thrown) {
        // Ctrl-C while the parts were still coming up.
        if (!session.signal.aborted || asRollcallError(thrown).code !== 'CANCELLED') throw thrown;
      }
      screen.say('Stopped.');
      return ExitCode.ok;
    },
  });
}

async function workUntilStopped(concurrency: number, session: Session, version: string): Promise<void> {
  const { config, log, signal, screen, options } = session;
  screen.live('Starting…');
  const { composeWorker } = await import('../compose.ts');
  const rollcall = await composeWorker(config, { concurrency }, log, signal);
  try {
    screen.live(null);
    const { libraries, notices } = rollcall;
    const names = libraries.map(({ name }) => name);
    if (options.json) screen.print(jsonLine({ type: 'ready', version, concurrency, libraries: names, notices }));
    else {
      for (const notice of notices) screen.print(screen.paint.out('yellow', `Note: ${oneLine(notice)}`));
      const albums = concurrency === 1 ? 'an album' : `${concurrency} albums`;
      const of = names.length === 0 ? 'there is no library yet' : names.map(printable).join(', ');
      screen.print(`Rollcall ${version} works the queue, ${albums} at a time: ${of}`);
    }
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await rollcall.close();
  }
}
