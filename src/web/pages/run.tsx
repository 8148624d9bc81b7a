/** One run: live while it goes, then what it did, its failures by cause with a retry for each path. */
import { useEffect, useState } from 'react';
import { useRunEvents } from '../api/follow.ts';
import { useLibraryNames } from '../api/lists.ts';
import { forgetAnswers, type Query, useQuery } from '../api/query.ts';
import { session } from '../api/session.ts';
import type { Report, Run } from '../api/types.ts';
import { formatBytes, formatCount, formatDuration, formatTime, formatUsd } from '../logic/format.ts';
import { tell } from '../logic/problems.ts';
import { isOver, kindLabel, RUN_STATUS, scopeLabel } from '../logic/run-words.ts';
import { Answered, Badge, Heading } from '../ui/parts.tsx';
import { useStore } from '../ui/store.ts';
import { toast } from '../ui/toasts.tsx';
import { Failures } from './failures-view.tsx';
import { LiveProgress } from './live-progress.tsx';
import { PlanView } from './plan-view.tsx';
import { RunActions, RunParts } from './run-parts.tsx';

export function RunPage({ id }: { id: string }) {
  const run = useQuery(`run ${id}`, async (client, signal) =>
    (await client.api.runs[':id'].$get({ param: { id } }, { init: { signal } })).json(),
  );
  return <Answered query={run}>{(data) => <Opened run={data} query={run} />}</Answered>;
}

function Opened({ run, query }: { run: Run; query: Query<Run> }) {
  const names = useLibraryNames();
  const going = !isOver(run.status);
  const live = useRunEvents(run.id, going);
  const { reload } = query;
  const ended = live.report !== null;
  useEffect(() => {
    if (!ended) return;
    forgetAnswers();
    reload();
  }, [ended, reload]);
  const report = live.report ?? run.report;
  const status = going && live.report ? live.report.status : run.status;
  const { label, tone } = RUN_STATUS[status];
  return (
    <>
      <Heading
        title={`${kindLabel(run.kind)} of ${scopeLabel(run, names)}`}
        lead={
          <span role="status">
            <Badge tone={tone}>{label}</Badge> {formatTime(run.startedAt)}
            {report && `, took ${formatDuration(report.durationMs)}`}
          </span>
        }
      >
        {!isOver(status) && (
          <Cancel run={run} asked={run.cancelAt !== null || live.progress?.cancelled === true} onAsked={reload} />
        )}
      </Heading>
      {!isOver(status) && <LiveProgress progress={live.progress} error={live.error} />}
      {report && <Ended run={run} report={report} />}
      {isOver(status) && <RunParts runId={run.id} />}
      {isOver(status) && <RunActions runId={run.id} />}
    </>
  );
}

function Cancel({ run, asked, onAsked }: { run: Run; asked: boolean; onAsked: () => void }) {
  const { client } = useStore(session);
  const [busy, setBusy] = useState(false);
  const cancel = async () => {
    setBusy(true);
    try {
      await client.api.runs[':id'].cancel.$post({ param: { id: run.id } });
    } catch (thrown) {
      toast({ tone: 'bad', text: `❌ ${tell(thrown).what}` });
      setBusy(false);
    }
    onAsked();
  };
  return (
    <button type="button" className="danger" disabled={busy || asked} onClick={() => void cancel()}>
      {busy || asked ? 'Stopping: what is in flight is finished…' : 'Cancel'}
    </button>
  );
}

function Ended({ run, report }: { run: Run; report: Report }) {
  const error = report.error && tell(Object.assign(new Error(report.error.message), { code: report.error.code }));
  return (
    <>
      {error && (
        <div className="problem" role="alert">
          <p>
            <strong>{error.what}</strong> {error.advice}
          </p>
          <p className="quiet">
            <code>{error.code}</code>
          </p>
        </div>
      )}
      {report.warnings.length > 0 && (
        <ul className="warnings">
          {report.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <Failures run={run} report={report} />
      <dl className="figures" aria-label="Figures of the run">
        {figuresOf(report).map(([name, value, tone]) => (
          <div key={name} className={tone}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {report.plan && report.plan.length > 0 && <PlanView report={report} />}
    </>
  );
}

/** What is wrong comes first; what is zero and no news is left out. */
function figuresOf({ photos, actions, bytes, requests, cost }: Report): [string, string, string][] {
  const counts: [string, number, string][] = [
    ['Lost', photos.lost, 'tone-bad'],
    ['Failed', actions.failed, 'tone-bad'],
    ['Conflicts', actions.conflicts, 'tone-warn'],
    ['Deleted', actions.deleted, 'tone-warn'],
    ['Marked', actions.marked, 'tone-warn'],
    ['Uploaded', actions.uploaded, ''],
    ['Uploaded again', actions.reuploaded, ''],
    ['Downloaded', actions.downloaded, ''],
    ['Moved', actions.moved + actions.copied, ''],
    ['Adopted', actions.adopted, ''],
    ['Updated', actions.updated, ''],
    ['Waiting', actions.waiting, ''],
    ['Skipped', actions.skipped, ''],
    ['Untracked', photos.untracked, ''],
  ];
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0);
  return [
    ...counts
      .filter(([, count]) => count > 0)
      .map(([name, count, tone]): [string, string, string] => [name, formatCount(count), tone]),
    ...(bytes.uploaded > 0 ? [['Sent', formatBytes(bytes.uploaded), ''] as [string, string, string]] : []),
    ...(bytes.downloaded > 0 ? [['Fetched', formatBytes(bytes.downloaded), ''] as [string, string, string]] : []),
    ['Requests', formatCount(total), ''],
    ['Cost', formatUsd(cost.usd), ''],
  ];
}
