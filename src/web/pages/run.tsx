/** One run: live while it goes, then what it did, its failures by cause with a retry for each path. */
import { useLibraryNames } from '../api/lists.ts';
import { type LiveRun, useRun } from '../api/run.ts';
import type { Report, Run } from '../api/types.ts';
import { formatBytes, formatCount, formatDuration, formatTime, formatUsd } from '../logic/format.ts';
import { tell } from '../logic/problems.ts';
import { isOver, kindLabel, RUN_STATUS, scopeLabel } from '../logic/run-words.ts';
import { Answered, Badge, Heading } from '../ui/parts.tsx';
import { CancelRun } from './cancel-run.tsx';
import { Failures } from './failures-view.tsx';
import { LiveProgress } from './live-progress.tsx';
import { PlanView } from './plan-view.tsx';
import { RunActions, RunParts } from './run-parts.tsx';

export function RunPage({ id }: { id: string }) {
  const run = useRun(id);
  return <Answered query={run.query}>{(data) => <Opened run={data} now={run} />}</Answered>;
}

function Opened({ run, now: { query, live, report, status = run.status } }: { run: Run; now: LiveRun }) {
  const names = useLibraryNames();
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
          <CancelRun
            runId={run.id}
            label="Cancel"
            asked={run.cancelAt !== null || live.progress?.cancelled === true}
            onAsked={query.reload}
          />
        )}
      </Heading>
      {!isOver(status) && <LiveProgress progress={live.progress} error={live.error} />}
      {report && <Ended run={run} report={report} />}
      {isOver(status) && <RunParts runId={run.id} />}
      {isOver(status) && <RunActions runId={run.id} />}
    </>
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
      {report.status === 'planned' && run.parentId === null && <PlanView runId={run.id} report={report} />}
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
    ...(bytes.resumed ? [['Sent before', formatBytes(bytes.resumed), ''] as [string, string, string]] : []),
    ...(bytes.downloaded > 0 ? [['Fetched', formatBytes(bytes.downloaded), ''] as [string, string, string]] : []),
    ['Requests', formatCount(total), ''],
    ['Cost', formatUsd(cost.usd), ''],
  ];
}
