/** Are the photos safe? And if not: where to look. */
import { useLibraryNames } from '../api/lists.ts';
import { useQuery } from '../api/query.ts';
import type { Health, Overview, Run } from '../api/types.ts';
import { formatBytes, formatCount, formatCounted, formatDuration } from '../logic/format.ts';
import { reportWords } from '../logic/plan.ts';
import { hrefOf } from '../logic/routes.ts';
import { kindLabel, RUN_STATUS, runBars, scopeLabel } from '../logic/run-words.ts';
import { STATE_ORDER, STATES, sumStates, verdict } from '../logic/states.ts';
import { Ago, Answered, Badge, Empty, Heading, Waiting } from '../ui/parts.tsx';
import { Link } from '../ui/router.tsx';
import { Alarms, HealthPanel, useHealth } from './health-panel.tsx';

const EVERY_MS = 15_000;
const RECENT = 60;

export function OverviewPage() {
  const health = useHealth();
  const overview = useQuery(
    'overview',
    async (client, signal) => (await client.api.overview.$get({}, { init: { signal } })).json(),
    EVERY_MS,
  );
  const runs = useQuery(
    'recent runs',
    async (client, signal) =>
      (await (await client.api.runs.$get({ query: { limit: RECENT, parent: 'none' } }, { init: { signal } })).json())
        .runs,
    EVERY_MS,
  );
  return (
    <>
      <Heading title="Overview">
        <Link className="button primary" href={hrefOf('sync')}>
          Sync…
        </Link>
      </Heading>
      <Alarms health={health} />
      <Answered query={overview} waiting={<Waiting rows={3} />}>
        {(data) => <Photos overview={data} />}
      </Answered>
      <div className="columns">
        <HealthPanel health={health} />
        <section aria-labelledby="runs-title">
          <h2 id="runs-title">Runs</h2>
          <Answered query={runs}>
            {(list) => <RecentRuns runs={list} next={overview.data?.next} twoWay={health.data?.parts.twoWay ?? []} />}
          </Answered>
        </section>
      </div>
      {overview.data && overview.data.libraries.length > 1 && <Libraries overview={overview.data} />}
    </>
  );
}

function Photos({ overview: { libraries } }: { overview: Overview }) {
  const states = sumStates(libraries.map((library) => library.states));
  const photos = libraries.reduce((sum, library) => sum + library.photos, 0);
  const bytes = libraries.reduce((sum, library) => sum + library.bytes, 0);
  const albums = libraries.reduce((sum, library) => sum + library.albums, 0);
  const { tone, text } = verdict(states);
  return (
    <section aria-label="Photos">
      <p className={`verdict tone-${tone}`}>{text}</p>
      <p className="quiet">
        <Link href={hrefOf('photos')}>{formatCounted(photos, 'photo')}</Link> in{' '}
        <Link href={hrefOf('albums')}>{formatCounted(albums, 'album')}</Link>, {formatBytes(bytes)}
      </p>
      <ul className="tiles">
        {STATE_ORDER.map((state) => (
          <li key={state}>
            <Link
              className={`tile ${states[state] === 0 ? 'none' : `tone-${STATES[state].tone}`}`}
              href={hrefOf('photos', '', { state })}
              title={STATES[state].meaning}
            >
              <span className="number">{formatCount(states[state])}</span> <span>{STATES[state].label}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface RecentProps {
  readonly runs: readonly Run[];
  readonly next: Overview['next'] | undefined;
  readonly twoWay: Health['parts']['twoWay'];
}

function RecentRuns({ runs, next, twoWay }: RecentProps) {
  const names = useLibraryNames();
  const [last] = runs;
  return (
    <>
      <dl className="facts">
        <dt>Last</dt>
        <dd>{last ? <LastRun run={last} names={names} /> : 'There was none yet.'}</dd>
        <dt>Next</dt>
        <dd>
          {next?.reconcileAt ? (
            <>
              Reconciliation <Ago time={next.reconcileAt} />
            </>
          ) : (
            'No reconciliation is on the schedule (RECONCILE_CRON).'
          )}
          {next && next.twoWaySeconds > 0 && twoWay.length > 0 && (
            <span className="quiet">
              {' '}
              · two-way sync of {twoWay.map(({ library }) => library).join(', ')} every{' '}
              {formatDuration(next.twoWaySeconds * 1000)}
            </span>
          )}
        </dd>
      </dl>
      {runs.length === 0 ? (
        <Empty>
          Nothing has run yet. <Link href={hrefOf('sync')}>Preview a first sync.</Link>
        </Empty>
      ) : (
        <Chart runs={runs} names={names} />
      )}
      <p>
        <Link href={hrefOf('runs')}>All runs</Link>
      </p>
    </>
  );
}

function LastRun({ run, names }: { run: Run; names: ReadonlyMap<string, string> }) {
  const { label, tone } = RUN_STATUS[run.status];
  const words = run.report ? reportWords(run.report).slice(0, 3) : [];
  return (
    <>
      <Badge tone={tone}>{label}</Badge>{' '}
      <Link href={hrefOf('run', run.id)}>
        {kindLabel(run.kind)} of {scopeLabel(run, names)}
      </Link>{' '}
      <Ago time={run.finishedAt ?? run.startedAt} />
      {words.length > 0 && <span className="quiet"> · {words.map(({ text }) => text).join(', ')}</span>}
    </>
  );
}

/** Bars that are links, as tall as the run was long; the list of runs says the same in words. */
function Chart({ runs, names }: { runs: readonly Run[]; names: ReadonlyMap<string, string> }) {
  return (
    <figure className="chart">
      <ul>
        {runBars(runs, names).map(({ run, height, title }) => (
          <li key={run.id}>
            <Link
              href={hrefOf('run', run.id)}
              title={title}
              aria-label={title}
              className={`tone-${RUN_STATUS[run.status].tone}`}
            >
              <span style={{ blockSize: `${Math.round(height * 100)}%` }} />
            </Link>
          </li>
        ))}
      </ul>
      <figcaption className="quiet">Recent runs, the latest on the right; taller took longer</figcaption>
    </figure>
  );
}

function Libraries({ overview: { libraries } }: { overview: Overview }) {
  return (
    <section aria-labelledby="libraries-title">
      <h2 id="libraries-title">Libraries</h2>
      <ul className="rows">
        {libraries.map(({ id, name, photos, bytes, albums, states }) => {
          const { tone, text } = verdict(states);
          return (
            <li key={id}>
              <Link href={hrefOf('albums', '', { library: id })}>{name}</Link>
              <span className="quiet">
                {formatCounted(albums, 'album')}, {formatCounted(photos, 'photo')}, {formatBytes(bytes)}
              </span>
              <Badge tone={tone}>{text}</Badge>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
