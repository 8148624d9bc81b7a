/** What a run is made of: runs of its own, and what it did photo by photo. */
import { useState } from 'react';
import { usePaged } from '../api/paged.ts';
import { useQuery } from '../api/query.ts';
import type { RunAction } from '../api/types.ts';
import { formatBytes } from '../logic/format.ts';
import { Badge, Empty, Problem, Waiting } from '../ui/parts.tsx';
import { RunRows } from './runs.tsx';

const MOST_PARTS = 200;

export function RunParts({ runId }: { runId: string }) {
  const parts = useQuery(`parts ${runId}`, async (client, signal) => {
    const query = { parent: runId, limit: MOST_PARTS };
    return (await (await client.api.runs.$get({ query }, { init: { signal } })).json()).runs;
  });
  if (!parts.data || parts.data.length === 0)
    return parts.error === null ? null : <Problem error={parts.error} onRetry={parts.reload} />;
  return (
    <section>
      <h2>Its parts</h2>
      <RunRows runs={parts.data} />
    </section>
  );
}

const TONES: Readonly<Record<RunAction['outcome'], string>> = {
  done: 'good',
  failed: 'bad',
  conflict: 'warn',
  unstable: 'quiet',
};

export function RunActions({ runId }: { runId: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="group" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <strong>What it did, photo by photo</strong>
      </summary>
      {open && <ActionList runId={runId} />}
    </details>
  );
}

function ActionList({ runId }: { runId: string }) {
  const { list, error, retry, see } = usePaged<RunAction>(`actions ${runId}`, async (client, page, signal) => {
    const answer = await client.api.runs[':id'].actions.$get(
      { param: { id: runId }, query: page },
      { init: { signal } },
    );
    const { actions: items, nextCursor } = await answer.json();
    return { items, nextCursor };
  });
  return (
    <>
      {error !== null && <Problem error={error} onRetry={retry} />}
      {!list.started && error === null && <Waiting />}
      {list.started && list.items.length === 0 && (
        <Empty>Nothing: everything was in agreement, or its parts did it.</Empty>
      )}
      <ul className="paths">
        {list.items.map((action) => (
          <li key={action.id}>
            <span className="path">{action.path}</span>
            <span className="quiet">
              {action.kind}
              {action.bytes > 0 && `, ${formatBytes(action.bytes)}`}
              {action.message !== null && `: ${action.message}`}
            </span>
            <Badge tone={TONES[action.outcome]}>{action.outcome}</Badge>
          </li>
        ))}
      </ul>
      {list.cursor !== null && (
        <button type="button" onClick={() => see(list.items.length)}>
          Show more
        </button>
      )}
    </>
  );
}
