/** What a dry run has found to do: groups that open, what it costs, and the button that carries out just that. */
import { useState } from 'react';
import { forgetAnswers, type Query, useQuery } from '../api/query.ts';
import { session } from '../api/session.ts';
import type { Plan, PlanGroup, Report } from '../api/types.ts';
import { formatBytes, formatCount, formatCounted, formatUsd } from '../logic/format.ts';
import { doesAnything, GROUPS } from '../logic/plan.ts';
import { hrefOf } from '../logic/routes.ts';
import { Confirm } from '../ui/dialog.tsx';
import { Ago, Answered, Badge, Problem } from '../ui/parts.tsx';
import { Link, navigate } from '../ui/router.tsx';
import { useStore } from '../ui/store.ts';
import { PlanSteps } from './plan-steps.tsx';

export function PlanView({ runId, report }: { runId: string; report: Report }) {
  const plan = useQuery(`plan ${runId}`, async (client, signal) =>
    (await client.api.runs[':id'].plan.$get({ param: { id: runId } }, { init: { signal } })).json(),
  );
  return (
    <section aria-labelledby="plan-title" className="plan">
      <h2 id="plan-title">The plan</h2>
      <Answered query={plan}>{(data) => <Kept plan={data} query={plan} report={report} />}</Answered>
    </section>
  );
}

interface KeptProps {
  readonly plan: Plan;
  readonly query: Query<Plan>;
  readonly report: Report;
}

function Kept({ plan, query, report }: KeptProps) {
  const { steps, bytes, usd, groups, runId } = plan;
  const agreed = `${formatCounted(report.actions.skipped, 'photo')} in agreement.`;
  return (
    <>
      <p role="status">
        {steps === 0
          ? `Nothing to do: ${agreed}`
          : `${formatCounted(steps, 'step')}, ${formatBytes(bytes)} to transfer, requests for ${formatUsd(usd)} (estimated). ${agreed}`}
      </p>
      {groups.map((group) => (
        <Group key={group.group} runId={runId} sum={group} />
      ))}
      {plan.appliedAt !== null ? (
        <p role="status">
          {plan.appliedBy === null ? (
            'This plan was carried out'
          ) : (
            <Link href={hrefOf('run', plan.appliedBy)}>This plan was carried out</Link>
          )}{' '}
          <Ago time={plan.appliedAt} />. Preview again for what is left to do.
        </p>
      ) : (
        doesAnything(plan) && report.error === undefined && <Apply plan={plan} reload={query.reload} />
      )}
    </>
  );
}

function Apply({ plan: { runId, groups }, reload }: { plan: Plan; reload: () => void }) {
  const { client } = useStore(session);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const deletes = groups.find(({ group }) => group === 'delete')?.steps ?? 0;
  const apply = async () => {
    setAsking(false);
    setBusy(true);
    setError(null);
    try {
      const apply = client.api.runs[':id'].apply;
      const answer = await apply.$post({ param: { id: runId } }, { headers: { Prefer: 'respond-async' } });
      const { runId: applying } = await answer.json();
      forgetAnswers();
      navigate(hrefOf('run', applying));
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
      // Another tab may have been first.
      reload();
    }
  };
  return (
    <>
      <div className="actions">
        <button
          type="button"
          className={deletes > 0 ? 'danger' : 'primary'}
          disabled={busy}
          aria-busy={busy}
          onClick={() => (deletes > 0 ? setAsking(true) : void apply())}
        >
          {busy ? '⏳ Starting…' : deletes > 0 ? `Apply, deleting ${formatCounted(deletes, 'object')}…` : 'Apply'}
        </button>
        <span className="quiet">Just these steps are carried out. What has changed by then is left and reported.</span>
      </div>
      {error !== null && <Problem error={error} />}
      {asking && (
        <Confirm
          title={`Delete ${formatCounted(deletes, 'object')} from the bucket?`}
          confirm="Apply and delete"
          onConfirm={() => void apply()}
          onCancel={() => setAsking(false)}
        >
          <p>Their files have been gone from disk for longer than ORPHAN_GRACE_DAYS. What is deleted is gone.</p>
        </Confirm>
      )}
    </>
  );
}

function Group({ runId, sum }: { runId: string; sum: PlanGroup }) {
  const [open, setOpen] = useState(false);
  const { label, meaning, tone } = GROUPS[sum.group];
  const amounts = [sum.bytes > 0 && formatBytes(sum.bytes), sum.usd > 0 && formatUsd(sum.usd)].filter(Boolean);
  return (
    <details className="group" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Badge tone={tone}>{formatCount(sum.steps)}</Badge> <strong>{label}</strong>{' '}
        <span className="quiet">{[...amounts, meaning].join(' · ')}</span>
      </summary>
      {open && <PlanSteps runId={runId} group={sum.group} count={sum.steps} />}
    </details>
  );
}
