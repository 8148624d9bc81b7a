/** What failed in a run, by its cause, with what to do about it and a retry for each path. */
import { useState } from 'react';
import { forgetAnswers } from '../api/query.ts';
import { session } from '../api/session.ts';
import type { Failure, Report, Run } from '../api/types.ts';
import { albumOfPath, type Cause, causesOf } from '../logic/failures.ts';
import { formatCount, formatCounted } from '../logic/format.ts';
import { tell } from '../logic/problems.ts';
import { Badge } from '../ui/parts.tsx';
import { useStore } from '../ui/store.ts';
import { toast } from '../ui/toasts.tsx';

const FIRST = 50;

export function Failures({ run, report }: { run: Run; report: Report }) {
  return (
    <>
      <Causes title="Failures" tone="bad" causes={causesOf(report.failures)} libraryId={run.libraryId} />
      <Causes title="Conflicts" tone="warn" causes={causesOf(report.conflicts)} libraryId={run.libraryId} />
    </>
  );
}

interface CausesProps {
  readonly title: string;
  readonly tone: 'bad' | 'warn';
  readonly causes: readonly Cause[];
  readonly libraryId: string | null;
}

function Causes({ title, tone, causes, libraryId }: CausesProps) {
  if (causes.length === 0) return null;
  return (
    <section aria-label={title} className="causes">
      <h2>{title}</h2>
      {causes.map(({ code, advice, failures }) => (
        <details key={code} className="group" open={causes.length === 1 || failures.length <= 5}>
          <summary>
            <Badge tone={tone}>{formatCount(failures.length)}</Badge> <code>{code}</code> <span>{advice}</span>
          </summary>
          <Paths failures={failures} libraryId={libraryId} />
        </details>
      ))}
    </section>
  );
}

function Paths({ failures, libraryId }: { failures: readonly Failure[]; libraryId: string | null }) {
  const [shown, setShown] = useState(FIRST);
  return (
    <>
      <ul className="paths">
        {failures.slice(0, shown).map((failure) => (
          <li key={`${failure.path} ${failure.message}`}>
            <span className="path">{failure.path}</span>
            <span className="quiet">{failure.message}</span>
            <Retry failure={failure} libraryId={libraryId} />
          </li>
        ))}
      </ul>
      {shown < failures.length && (
        <button type="button" onClick={() => setShown((count) => count * 10)}>
          Show more ({formatCounted(failures.length - shown, 'path')} left)
        </button>
      )}
    </>
  );
}

/** Syncs the album of the path once more, by the usual rules: nothing is forced that was not to be replaced. */
function Retry({ failure: { path }, libraryId }: { failure: Failure; libraryId: string | null }) {
  const { client } = useStore(session);
  const [stage, setStage] = useState<'idle' | 'busy' | 'good'>('idle');
  const retry = async () => {
    setStage('busy');
    try {
      const json = { album: albumOfPath(path), ...(libraryId !== null && { library: libraryId }) };
      const answer = await client.api.sync.$post({ json });
      const report = answer.status === 200 ? await answer.json() : null;
      forgetAnswers();
      const again = report && [...report.failures, ...report.conflicts].find((one) => one.path === path);
      if (again) toast({ tone: 'bad', text: `❌ ${path}: ${again.message}` });
      else toast({ tone: 'good', text: `✅ ${path} is settled` });
      setStage(again ? 'idle' : 'good');
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
      onClick={() => void retry()}
    >
      {stage === 'busy' ? '⏳ Retrying…' : stage === 'good' ? 'Settled' : 'Retry'}
    </button>
  );
}
