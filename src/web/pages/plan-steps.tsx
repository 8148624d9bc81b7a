/** The steps of one group of a plan: fetched as far as somebody scrolls, and only those in sight are there. */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { usePaged } from '../api/paged.ts';
import type { Action } from '../api/types.ts';
import { formatBytes } from '../logic/format.ts';
import { bytesOf, type GroupName } from '../logic/plan.ts';
import { useOffsetTop } from '../ui/offset.ts';
import { Problem } from '../ui/parts.tsx';

const ROW = 52;

interface StepsProps {
  readonly runId: string;
  readonly group: GroupName;
  /** With those that are not there yet. */
  readonly count: number;
}

export function PlanSteps({ runId, group, count }: StepsProps) {
  const { list, error, retry, see } = usePaged<Action>(`steps ${runId} ${group}`, async (client, page, signal) => {
    const { steps } = client.api.runs[':id'].plan;
    const answer = await steps.$get({ param: { id: runId }, query: { ...page, group } }, { init: { signal } });
    const { steps: items, nextCursor } = await answer.json();
    return { items, nextCursor };
  });
  const ref = useRef<HTMLUListElement>(null);
  const offset = useOffsetTop(ref);
  const rows = useWindowVirtualizer({ count, estimateSize: () => ROW, overscan: 8, scrollMargin: offset });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => see(last), [see, last]);
  return (
    <>
      {error !== null && <Problem error={error} onRetry={retry} />}
      <ul ref={ref} className="steps-of-plan" style={{ blockSize: rows.getTotalSize() }}>
        {shown.map(({ index, start }) => (
          <li
            key={index}
            aria-setsize={count}
            aria-posinset={index + 1}
            style={{ blockSize: ROW, transform: `translateY(${start - offset}px)` }}
          >
            <Step action={list.items[index]} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** Undefined: it is still on its way. */
function Step({ action }: { action: Action | undefined }) {
  if (action === undefined) return <span className="quiet">…</span>;
  const from = action.kind === 'move' ? `${action.from.path} → ` : '';
  const bytes = bytesOf(action);
  return (
    <>
      <span className="path" title={`${from}${action.path}`}>
        {from !== '' && <span className="quiet">{from}</span>}
        {action.path}
      </span>
      <span className="quiet">
        {action.reason}
        {bytes > 0 && `, ${formatBytes(bytes)}`}
      </span>
    </>
  );
}
