/** The history of runs, newest first. */
import { useEffect, useRef } from 'react';
import { useLibraries, useLibraryNames } from '../api/lists.ts';
import { usePaged } from '../api/paged.ts';
import type { Run } from '../api/types.ts';
import { formatDuration } from '../logic/format.ts';
import { reportWords } from '../logic/plan.ts';
import { hrefOf } from '../logic/routes.ts';
import { isOver, isRunStatus, kindLabel, RUN_KINDS, RUN_STATUS, runMs, scopeLabel } from '../logic/run-words.ts';
import { Ago, Badge, Empty, Heading, Problem, useNow, Waiting } from '../ui/parts.tsx';
import { Link, usePlace, useQueryChange } from '../ui/router.tsx';

export function RunsPage() {
  return (
    <>
      <Heading title="Runs">
        <Link className="button primary" href={hrefOf('sync')}>
          Sync…
        </Link>
      </Heading>
      <Filters />
      <History />
    </>
  );
}

function Filters() {
  const { query } = usePlace();
  const change = useQueryChange();
  const { data: libraries = [] } = useLibraries();
  const choice = (name: string, label: string, options: readonly (readonly [string, string])[]) => (
    <label>
      {label}
      <select value={query[name] ?? ''} onChange={(event) => change({ [name]: event.target.value })}>
        <option value="">All</option>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <search className="filters">
      {choice(
        'status',
        'Status',
        Object.entries(RUN_STATUS).map(([status, { label }]) => [status, label] as const),
      )}
      {choice('kind', 'Kind', Object.entries(RUN_KINDS))}
      {libraries.length > 1 &&
        choice(
          'library',
          'Library',
          libraries.map(({ id, name }) => [id, name] as const),
        )}
      <label className="check">
        <input
          type="checkbox"
          checked={query['parts'] === 'all'}
          onChange={(event) => change({ parts: event.target.checked ? 'all' : '' })}
        />
        With the parts of runs
      </label>
    </search>
  );
}

function History() {
  const { query } = usePlace();
  const { status, kind, library, parts } = query;
  const runs = usePaged<Run>(`runs ${status} ${kind} ${library} ${parts}`, async (client, page, signal) => {
    const filter = {
      ...(isRunStatus(status) && { status }),
      ...(kind && { kind }),
      ...(library && { library }),
      ...(parts !== 'all' && { parent: 'none' }),
    };
    const answer = await client.api.runs.$get({ query: { ...page, ...filter } }, { init: { signal } });
    const { runs: items, nextCursor } = await answer.json();
    return { items, nextCursor };
  });
  const { list, error, retry, see } = runs;
  return (
    <>
      {error !== null && <Problem error={error} onRetry={retry} />}
      {!list.started && error === null && <Waiting rows={8} />}
      {list.started && list.items.length === 0 && <Empty>There is no such run.</Empty>}
      <RunRows runs={list.items} />
      {list.cursor !== null && <More onSeen={() => see(list.items.length)} />}
    </>
  );
}

/** Asks for more when it comes into sight. */
function More({ onSeen }: { onSeen: () => void }) {
  const ref = useRef<HTMLButtonElement>(null);
  const latest = useRef(onSeen);
  latest.current = onSeen;
  useEffect(() => {
    const observer = new IntersectionObserver((seen) => {
      if (seen.some(({ isIntersecting }) => isIntersecting)) latest.current();
    });
    if (ref.current) observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return (
    <button ref={ref} type="button" onClick={onSeen}>
      Show more
    </button>
  );
}

export function RunRows({ runs }: { runs: readonly Run[] }) {
  const names = useLibraryNames();
  const now = useNow(1_000);
  if (runs.length === 0) return null;
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Ended</th>
            <th scope="col">Began</th>
            <th scope="col">Took</th>
            <th scope="col">Did</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td>
                <Link href={hrefOf('run', run.id)}>
                  {kindLabel(run.kind)} of {scopeLabel(run, names)}
                </Link>
              </td>
              <td>
                <Badge tone={RUN_STATUS[run.status].tone}>{RUN_STATUS[run.status].label}</Badge>
              </td>
              <td>
                <Ago time={run.startedAt} />
              </td>
              <td className="number">
                {run.status === 'queued' ? '' : formatDuration(runMs(run, isOver(run.status) ? 0 : now))}
              </td>
              <td>
                {run.report?.error?.message ??
                  reportWords(run.report ?? NOTHING)
                    .slice(0, 4)
                    .map(({ text }) => text)
                    .join(', ')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const NOTHING = {
  photos: { new: 0, existing: 0, orphaned: 0, moved: 0, changed: 0, untracked: 0, lost: 0 },
  actions: {
    ...{ uploaded: 0, reuploaded: 0, skipped: 0, adopted: 0, moved: 0, copied: 0, downloaded: 0 },
    ...{ updated: 0, marked: 0, deleted: 0, conflicts: 0, unstable: 0, waiting: 0, failed: 0 },
  },
};
