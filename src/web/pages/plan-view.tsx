/** The plan of a dry run: groups that open, what it costs, and the button that carries it out. */
import { useState } from 'react';
import type { Report } from '../api/types.ts';
import { formatBytes, formatCount, formatCounted, formatUsd } from '../logic/format.ts';
import { bytesOf, doesAnything, estimateUsd, groupPlan, type PlanGroup } from '../logic/plan.ts';
import { Confirm } from '../ui/dialog.tsx';
import { Badge } from '../ui/parts.tsx';

export function PlanView({ report, onApply }: { report: Report; onApply?: () => void }) {
  const plan = report.plan ?? [];
  const groups = groupPlan(plan);
  const deletes = groups.find(({ name }) => name === 'delete')?.actions.length ?? 0;
  const bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
  const [asking, setAsking] = useState(false);
  const apply = doesAnything(plan) && report.error === undefined ? onApply : undefined;
  return (
    <section aria-labelledby="plan-title" className="plan">
      <h2 id="plan-title">The plan</h2>
      {report.error && (
        <p className="problem" role="alert">
          <strong>{report.error.message}</strong>
        </p>
      )}
      {report.warnings.length > 0 && (
        <ul className="warnings">
          {report.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <p role="status">
        {groups.length === 0
          ? `Nothing to do: ${formatCounted(report.photos.existing, 'photo')} in agreement.`
          : `${formatCounted(plan.length, 'step')}, ${formatBytes(bytes)} to transfer, requests for ${formatUsd(estimateUsd(plan, report.cost.usd))} (estimated). ${formatCounted(report.actions.skipped, 'photo')} in agreement.`}
      </p>
      {groups.map((group) => (
        <Group key={group.name} group={group} />
      ))}
      {apply && (
        <div className="actions">
          <button
            type="button"
            className={deletes > 0 ? 'danger' : 'primary'}
            onClick={() => (deletes > 0 ? setAsking(true) : apply())}
          >
            {deletes > 0 ? `Apply, deleting ${formatCounted(deletes, 'object')}…` : 'Apply'}
          </button>
          <span className="quiet">The sides are compared once more: what has changed since is not forced.</span>
        </div>
      )}
      {asking && apply && (
        <Confirm
          title={`Delete ${formatCounted(deletes, 'object')} from the bucket?`}
          confirm="Apply and delete"
          onConfirm={() => {
            setAsking(false);
            apply();
          }}
          onCancel={() => setAsking(false)}
        >
          <p>Their files have been gone from disk for longer than ORPHAN_GRACE_DAYS. What is deleted is gone.</p>
        </Confirm>
      )}
    </section>
  );
}

const FIRST = 100;

function Group({ group: { label, meaning, tone, actions, bytes } }: { group: PlanGroup }) {
  const [shown, setShown] = useState(FIRST);
  const [open, setOpen] = useState(false);
  return (
    <details className="group" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Badge tone={tone}>{formatCount(actions.length)}</Badge> <strong>{label}</strong>{' '}
        <span className="quiet">
          {bytes > 0 && `${formatBytes(bytes)} · `}
          {meaning}
        </span>
      </summary>
      {open && (
        <>
          <ul className="paths">
            {actions.slice(0, shown).map((action) => (
              <li key={`${action.kind} ${action.key}`}>
                <span className="path">
                  {action.kind === 'move' && <span className="quiet">{action.from.path} → </span>}
                  {action.path}
                </span>
                <span className="quiet">
                  {action.reason}
                  {bytesOf(action) > 0 && `, ${formatBytes(bytesOf(action))}`}
                </span>
              </li>
            ))}
          </ul>
          {shown < actions.length && (
            <button type="button" onClick={() => setShown((count) => count * 10)}>
              Show more ({formatCount(actions.length - shown)} left)
            </button>
          )}
        </>
      )}
    </details>
  );
}
