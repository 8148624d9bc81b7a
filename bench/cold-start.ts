/**
 * How long a person waits for `rollcall serve`: from its start to the first answer of the API and to the first byte of the
 * admin page, on a DATA_DIR that is there, with the embedded PostgreSQL and S3, the demo library synced and looked at.
 * Also: what a start costs after nothing could be put away.
 */
import { builtCli } from '../test/support/built.ts';
import type { Benchmark, BenchmarkOptions, Line } from './support/benchmark.ts';
import { type Answered, Server } from './support/server-process.ts';
import { median, rounded } from './support/statistics.ts';
import { Workplace } from './support/workplace.ts';

const MOST_SECONDS = 1.5;

/** How the server before this one ended. */
type Ending = 'stopped' | 'killed' | 'all killed';
const ENDINGS: readonly Ending[] = ['stopped', 'killed', 'all killed'];

interface Start extends Answered {
  readonly stopSeconds: number;
}

export const coldStart: Benchmark = (options) => Workplace.use((place) => measureIn(place, options));

async function measureIn(place: Workplace, options: BenchmarkOptions) {
  const { signal, runs, say } = options;
  const server = await Server.at(place, await builtCli(), options);
  say('the demo library, its first sync and its pictures');
  await server.start();
  await server.stop();
  for (const command of ['sync', 'media']) await server.command(command);
  const starts = new Map<Ending, Start[]>(ENDINGS.map((ending) => [ending, []]));
  for (let run = 1; run <= runs; run++) {
    for (const ending of ENDINGS) {
      signal.throwIfAborted();
      if (ending !== 'stopped') {
        await server.start();
        await (ending === 'killed' ? server.kill() : server.killAll());
      }
      const start = await server.start();
      const stopSeconds = await server.stop();
      starts.get(ending)?.push({ ...start, stopSeconds });
      say(`run ${run} of ${runs}, ${ending} before: ${rounded(start.healthSeconds)} s`);
    }
  }
  return resultOf(starts);
}

function resultOf(starts: ReadonlyMap<Ending, readonly Start[]>) {
  const of = (ending: Ending, figure: keyof Start) => median((starts.get(ending) ?? []).map((start) => start[figure]));
  const line = (what: string, ending: Ending, figure: keyof Start): Line => [what, `${rounded(of(ending, figure))} s`];
  return {
    table: [
      line('to the first answer of /api/health', 'stopped', 'healthSeconds'),
      line('to the first byte of the admin page', 'stopped', 'pageSeconds'),
      line('CPU of the server until both', 'stopped', 'cpuSeconds'),
      line('to be stopped, by SIGTERM', 'stopped', 'stopSeconds'),
      line('first answer after kill -9 of the server', 'killed', 'healthSeconds'),
      line(
        'first answer after kill -9 of the server, the embedded services and PostgreSQL',
        'all killed',
        'healthSeconds',
      ),
    ],
    bars: [
      {
        what: 'first answer on an existing data folder',
        measured: of('stopped', 'healthSeconds'),
        atMost: MOST_SECONDS,
        unit: 's',
      },
    ],
    measured: { starts: Object.fromEntries(starts) },
  };
}
