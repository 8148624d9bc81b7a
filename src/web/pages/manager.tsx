/** The S3 manager of an album: what differs between its folder and the bucket, and three buttons that settle it. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { session } from '../api/session.ts';
import type { Album, Comparison } from '../api/types.ts';
import { formatCounted } from '../logic/format.ts';
import {
  buttonOf,
  endWords,
  failureWords,
  filesFor,
  LABELS,
  nothingWords,
  type Stage,
  startWords,
  type Task,
} from '../logic/manager.ts';
import { tell } from '../logic/problems.ts';
import { Confirm } from '../ui/dialog.tsx';
import { Problem } from '../ui/parts.tsx';
import { useStore } from '../ui/store.ts';
import { toast } from '../ui/toasts.tsx';

interface ManagerProps {
  readonly album: Album;
  readonly selected: ReadonlySet<string>;
  readonly onChanged: () => void;
}

interface Asked {
  readonly task: Task;
  readonly files: readonly string[];
  /** How many of them are there already, on the side that is written to. */
  readonly replaced: number;
}

export function Manager({ album, selected, onChanged }: ManagerProps) {
  const { stage, error, compare, run } = useManager(album, onChanged);
  const [asked, setAsked] = useState<Asked | null>(null);

  const press = async (task: Task) => {
    if (task === 'remove') return setAsked({ task, files: [...selected], replaced: 0 });
    // What was compared a while ago may have changed since.
    const comparison = await compare(task);
    if (comparison === null) return;
    const files = filesFor(task, comparison);
    if (files.length === 0) return toast(nothingWords(task));
    const replaced = comparison.different.length;
    if (replaced > 0) setAsked({ task, files, replaced });
    else await run(task, files);
  };
  const confirmed = async ({ task, files }: Asked) => {
    setAsked(null);
    await run(task, files);
  };

  return (
    <section className="manager" aria-label="S3 manager">
      <div className="actions">
        {(Object.keys(LABELS) as Task[]).map((task) => {
          const { label, busy, disabled } = buttonOf(task, stage, selected.size);
          return (
            <button
              key={task}
              type="button"
              data-task={task}
              aria-busy={busy}
              disabled={disabled}
              onClick={() => void press(task)}
              title={task === 'remove' && selected.size === 0 ? 'Select photos first' : undefined}
            >
              {label}
            </button>
          );
        })}
      </div>
      <Difference stage={stage} />
      {error !== null && <Problem error={error} onRetry={() => void compare(null)} />}
      {asked && <Ask asked={asked} onConfirm={() => void confirmed(asked)} onCancel={() => setAsked(null)} />}
    </section>
  );
}

function useManager({ id }: Album, onChanged: () => void) {
  const { client } = useStore(session);
  const [stage, setStage] = useState<Stage>({ at: 'comparing' });
  const [error, setError] = useState<unknown>(null);
  const ending = useRef<AbortController | null>(null);

  /** For a button it is that button's failure, told as such; otherwise it stands below them. */
  const compare = useCallback(
    async (task: Task | null): Promise<Comparison | null> => {
      ending.current?.abort();
      const own = new AbortController();
      ending.current = own;
      setStage({ at: 'comparing' });
      setError(null);
      try {
        const answer = await client.api.s3.compare.$post({ json: { albumId: id } }, { init: { signal: own.signal } });
        const comparison = await answer.json();
        setStage({ at: 'ready', comparison });
        return comparison;
      } catch (thrown) {
        if (own.signal.aborted) return null;
        setStage({ at: 'unknown' });
        setError(thrown);
        if (task !== null) toast(failureWords(task, tell(thrown).what));
        return null;
      }
    },
    [client, id],
  );

  useEffect(() => {
    void compare(null);
    return () => ending.current?.abort();
  }, [compare]);

  const run = async (task: Task, files: readonly string[]) => {
    setStage((before) => ({ at: 'working', task, comparison: before.at === 'ready' ? before.comparison : null }));
    toast(startWords(task, files.length));
    try {
      const { s3 } = client.api;
      const answer =
        task === 'remove'
          ? await s3.remove.$post({ json: { albumId: id, filenames: [...files] } })
          : await s3[task].$post({ json: { albumId: id, images: [...files] } });
      for (const words of endWords(task, await answer.json())) toast(words);
    } catch (thrown) {
      toast(failureWords(task, tell(thrown).what));
    }
    onChanged();
    await compare(null);
  };
  return { stage, error, compare, run };
}

/** What the comparison came to. Takes its line whether it is there yet or not. */
function Difference({ stage }: { stage: Stage }) {
  const comparison = stage.at === 'ready' || stage.at === 'working' ? stage.comparison : null;
  if (comparison === null) {
    return <p className="quiet">{stage.at === 'comparing' ? 'Reading both sides…' : ' '}</p>;
  }
  const { missing_in_s3, missing_locally, different, identical } = comparison;
  const parts = [
    missing_in_s3.length > 0 && `${formatCounted(missing_in_s3.length, 'file')} missing in S3`,
    missing_locally.length > 0 && `${formatCounted(missing_locally.length, 'object')} missing on disk`,
    different.length > 0 && `${formatCounted(different.length, 'file')} different`,
    `${formatCounted(identical.length, 'file')} identical`,
  ].filter((part) => part !== false);
  return (
    <p className="quiet" role="status">
      {parts.join(' · ')}
    </p>
  );
}

function Ask({
  asked: { task, files, replaced },
  onConfirm,
  onCancel,
}: {
  asked: Asked;
  onConfirm: () => void;
  onCancel: () => void;
}) {
  const words = {
    remove: {
      title: `Remove ${formatCounted(files.length, 'object')} from S3?`,
      text: 'The files on disk stay. Only objects whose file holds the same bytes are removed; the next sync brings them back.',
      confirm: 'Remove from S3',
    },
    upload: {
      title: `Replace ${formatCounted(replaced, 'object')} in S3?`,
      text: `Of ${formatCounted(files.length, 'file')} to upload, ${replaced} are in S3 already with other bytes. What S3 holds of them is replaced by what is on disk.`,
      confirm: 'Upload and replace',
    },
    download: {
      title: `Replace ${formatCounted(replaced, 'file')} on disk?`,
      text: `Of ${formatCounted(files.length, 'object')} to download, ${replaced} are on disk already with other bytes. What the disk holds of them is replaced by what is in S3.`,
      confirm: 'Download and replace',
    },
  }[task];
  return (
    <Confirm title={words.title} confirm={words.confirm} onConfirm={onConfirm} onCancel={onCancel}>
      <p>{words.text}</p>
    </Confirm>
  );
}
