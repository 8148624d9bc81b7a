/** A sync with a preview: what would be done, in groups; then, if somebody wants it, doing it. */
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { useLibraries } from '../api/lists.ts';
import { useQuery } from '../api/query.ts';
import { useRun } from '../api/run.ts';
import { session } from '../api/session.ts';
import type { Album, Library, SyncRequest } from '../api/types.ts';
import { albumName } from '../logic/album-list.ts';
import { hrefOf } from '../logic/routes.ts';
import { isOver } from '../logic/run-words.ts';
import { choicesOf, requestOf, type SyncChoices } from '../logic/sync-choices.ts';
import { Heading, Problem, Waiting } from '../ui/parts.tsx';
import { Link, usePlace, useQueryChange } from '../ui/router.tsx';
import { useStore } from '../ui/store.ts';
import { CancelRun } from './cancel-run.tsx';
import { Failures } from './failures-view.tsx';
import { LiveProgress } from './live-progress.tsx';
import { PlanView } from './plan-view.tsx';

export function SyncPage() {
  const { query } = usePlace();
  const albumId = query['album'] ?? null;
  const libraries = useLibraries();
  const album = useQuery(`album of sync ${albumId}`, async (client, signal) =>
    albumId === null
      ? null
      : (await client.api.albums[':id'].$get({ param: { id: albumId } }, { init: { signal } })).json(),
  );
  const choices = choicesOf(query);
  const request = requestOf(choices, albumId);
  return (
    <>
      <Heading title="Sync" lead="Nothing is touched before you have seen the plan." />
      {libraries.error !== null && <Problem error={libraries.error} onRetry={libraries.reload} />}
      {album.error !== null && <Problem error={album.error} onRetry={album.reload} />}
      <Steps
        key={JSON.stringify(request)}
        request={request}
        form={(looking) => (
          <Choices
            choices={choices}
            album={album.data ?? null}
            albumId={albumId}
            libraries={libraries.data ?? []}
            looking={looking}
          />
        )}
      />
    </>
  );
}

/**
 * A preview has an address, and goes on in the server whoever looks: reloading shows it again, however far it is. Other
 * choices begin from the beginning: a plan is never shown beside choices that it was not made for.
 */
function Steps({ request, form }: { request: SyncRequest; form: (looking: boolean) => ReactNode }) {
  const { client } = useStore(session);
  const { query } = usePlace();
  const change = useQueryChange();
  const preview = query['preview'] ?? null;
  const [starting, setStarting] = useState(false);
  const [looking, setLooking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const busy = starting || (preview !== null && looking);

  const start = async () => {
    setStarting(true);
    setError(null);
    change({ preview: null });
    try {
      const json = { ...request, dryRun: true };
      const answer = await client.api.sync.$post({ json }, { headers: { Prefer: 'respond-async' } });
      const { runId } = await answer.json();
      setLooking(true);
      change({ preview: runId });
    } catch (thrown) {
      setError(thrown);
    }
    setStarting(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void start();
  };
  return (
    <>
      <form className="panel" onSubmit={submit}>
        {form(busy)}
        <div className="actions">
          <button type="submit" className={preview === null ? 'primary' : ''} disabled={busy} aria-busy={busy}>
            {busy ? '🔍 Comparing…' : preview === null ? 'Preview' : 'Preview again'}
          </button>
        </div>
      </form>
      {error !== null && <Problem error={error} onRetry={() => void start()} />}
      {preview !== null && <Preview key={preview} id={preview} onLooking={setLooking} again={() => void start()} />}
    </>
  );
}

interface PreviewProps {
  readonly id: string;
  readonly onLooking: (looking: boolean) => void;
  readonly again: () => void;
}

function Preview({ id, onLooking, again }: PreviewProps) {
  const { query, live, report, status } = useRun(id);
  const going = status === undefined ? query.error === null : !isOver(status);
  useEffect(() => onLooking(going), [onLooking, going]);
  if (query.data === undefined || status === undefined) {
    return query.error === null ? <Waiting rows={2} /> : <Problem error={query.error} onRetry={again} />;
  }
  if (going) {
    return (
      <>
        <p role="status">🔍 Comparing disk, records and bucket…</p>
        <LiveProgress progress={live.progress} error={live.error} />
        <CancelRun runId={id} label="Stop looking" asked={query.data.cancelAt !== null} onAsked={query.reload} />
      </>
    );
  }
  const failed = report === null ? GONE : report.error;
  if (failed?.code === 'CANCELLED') return <p role="status">Stopped. Nothing was touched.</p>;
  return (
    <>
      {failed && <Problem error={Object.assign(new Error(failed.message), { code: failed.code })} onRetry={again} />}
      {report && report.warnings.length > 0 && (
        <ul className="warnings">
          {report.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      {report && <Failures run={query.data} report={{ ...report, conflicts: [] }} />}
      {report && !failed && <PlanView runId={id} report={report} />}
    </>
  );
}

const GONE = { code: 'INTERNAL', message: 'the server ended before the preview was done' };

interface ChoicesProps {
  readonly choices: SyncChoices;
  readonly album: Album | null;
  readonly albumId: string | null;
  readonly libraries: readonly Library[];
  readonly looking: boolean;
}

function Choices({ choices, album, albumId, libraries, looking }: ChoicesProps) {
  const changeQuery = useQueryChange();
  const change = (choice: Parameters<typeof changeQuery>[0]) => changeQuery({ ...choice, preview: null });
  return (
    <fieldset className="fields" disabled={looking}>
      <legend className="for-readers">What to sync, and how</legend>
      {albumId === null ? (
        <label>
          What
          <select value={choices.library} onChange={(event) => change({ library: event.target.value })}>
            <option value="">Every library</option>
            {libraries.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      ) : (
        <p>
          Album <Link href={hrefOf('album', albumId)}>{album === null ? '…' : albumName(album.path).name}</Link>{' '}
          <Link href={hrefOf('sync')}>Everything instead</Link>
        </p>
      )}
      <label>
        Direction
        <select value={choices.direction} onChange={(event) => change({ direction: event.target.value })}>
          <option value="">Up: from disk to S3</option>
          <option value="down">Down: from S3 to disk</option>
          <option value="both">Both: each gets what it lacks, nothing is replaced</option>
        </select>
      </label>
      <label>
        Photos gone from disk
        <select value={choices.orphans} onChange={(event) => change({ orphans: event.target.value })}>
          <option value="">As usual for the direction</option>
          <option value="mark">Mark them, keep their objects</option>
          <option value="download">Bring them back from S3</option>
          <option value="delete">Delete the objects of those gone for long</option>
        </select>
      </label>
      <label>
        Compare
        <select value={choices.compare} onChange={(event) => change({ compare: event.target.value })}>
          <option value="">By size, time and record (fast)</option>
          <option value="content">By content (reads files)</option>
        </select>
      </label>
    </fieldset>
  );
}
