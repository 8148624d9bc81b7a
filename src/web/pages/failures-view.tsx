/** What failed in a run, by its cause, with what to do about it and a retry for each path. */
import { useState } from 'react';
import type { Client } from '../../client/client.ts';
import { forgetAnswers } from '../api/query.ts';
import { session } from '../api/session.ts';
import type { Failure, Report, Run, SyncRequest } from '../api/types.ts';
import { type Cause, causesOf } from '../logic/failures.ts';
import { formatCount, formatCounted } from '../logic/format.ts';
import { tell } from '../logic/problems.ts';
import { type Retried, type Retry, retriedByName, retriedBySync, retryOf } from '../logic/retry.ts';
import { Badge } from '../ui/parts.tsx';
import { useStore } from '../ui/store.ts';
import { toast } from '../ui/toasts.tsx';

const FIRST = 50;

export function Failures({ run, report }: { run: Run; report: Report }) {
  return (
    <>
      <Causes title="Failures" tone="bad" causes={causesOf(report.failures)} run={run} />
      <Causes title="Conflicts" tone="warn" causes={causesOf(report.conflicts)} run={run} />
    </>
  );
}

interface CausesProps {
  readonly title: string;
  readonly tone: 'bad' | 'warn';
  readonly causes: readonly Cause[];
  readonly run: Run;
}

function Causes({ title, tone, causes, run }: CausesProps) {
  if (causes.length === 0) return null;
  return (
    <section aria-label={title} className="causes">
      <h2>{title}</h2>
      {causes.map(({ code, advice, failures }) => (
        <details key={code} className="group" open={causes.length === 1 || failures.length <= 5}>
          <summary>
            <Badge tone={tone}>{formatCount(failures.length)}</Badge> <code>{code}</code> <span>{advice}</span>
          </summary>
          <Paths failures={failures} run={run} />
        </details>
      ))}
    </section>
  );
}

function Paths({ failures, run }: { failures: readonly Failure[]; run: Run }) {
  const [shown, setShown] = useState(FIRST);
  return (
    <>
      <ul className="paths">
        {failures.slice(0, shown).map(({ path, code, message }) => {
          // A dry run has tried nothing.
          const retry = run.status === 'planned' ? null : retryOf(run, path, code);
          return (
            <li key={`${path} ${message}`}>
              <span className="path">{path}</span>
              <span className="quiet">{message}</span>
              {retry && <RetryPath retry={retry} path={path} />}
            </li>
          );
        })}
      </ul>
      {shown < failures.length && (
        <button type="button" onClick={() => setShown((count) => count * 10)}>
          Show more ({formatCounted(failures.length - shown, 'path')} left)
        </button>
      )}
    </>
  );
}

/** Tries this photo alone, by the rules of the run: nothing is forced that was not to be replaced. */
function RetryPath({ retry, path }: { retry: Retry; path: string }) {
  const { client } = useStore(session);
  const [stage, setStage] = useState<'idle' | 'busy' | 'good'>('idle');
  const press = async () => {
    setStage('busy');
    try {
      const { settled, words } = await tryAgain(client, retry, path);
      forgetAnswers();
      toast(words);
      setStage(settled ? 'good' : 'idle');
    } catch (thrown) {
      const { what, advice } = tell(thrown);
      toast({ tone: 'bad', text: `❌ ${path}: ${what} ${advice ?? ''}`.trim() });
      setStage('idle');
    }
  };
  return (
    <button
      type="button"
      disabled={stage !== 'idle'}
      aria-busy={stage === 'busy'}
      aria-label={`Retry ${path}`}
      title="Only this file, by the rules of this run"
      onClick={() => void press()}
    >
      {stage === 'busy' ? '⏳ Retrying…' : stage === 'good' ? 'Settled' : 'Retry'}
    </button>
  );
}

async function tryAgain({ api }: Client, retry: Retry, path: string): Promise<Retried> {
  if (retry.by === 'sync') {
    const { rules, ...named } = retry.json;
    const answer = await api.sync.$post({ json: { ...named, ...(rules as SyncRequest) } });
    // Nothing of a single file is queued.
    if (answer.status !== 200) throw new Error('the server has put it off');
    return retriedBySync(path, await answer.json());
  }
  const { file, ...named } = retry.json;
  const answer =
    retry.by === 'remove'
      ? await api.s3.remove.$post({ json: { ...named, filenames: [file] } })
      : await api.s3[retry.by].$post({ json: { ...named, images: [file] } });
  return retriedByName(path, await answer.json());
}
