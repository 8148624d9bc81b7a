/** A sync with a preview: what would be done, in groups; then, if somebody wants it, doing it. */
import { type FormEvent, type ReactNode, useState } from 'react';
import { useLibraries } from '../api/lists.ts';
import { forgetAnswers, useQuery } from '../api/query.ts';
import { session } from '../api/session.ts';
import type { Album, Library, Report, SyncRequest } from '../api/types.ts';
import { albumName } from '../logic/album-list.ts';
import { hrefOf } from '../logic/routes.ts';
import { choicesOf, requestOf, type SyncChoices } from '../logic/sync-choices.ts';
import { Heading, Problem, Progress } from '../ui/parts.tsx';
import { Link, navigate, usePlace, useQueryChange } from '../ui/router.tsx';
import { useStore } from '../ui/store.ts';
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
        form={
          <Choices choices={choices} album={album.data ?? null} albumId={albumId} libraries={libraries.data ?? []} />
        }
      />
    </>
  );
}

type Stage =
  | { readonly at: 'choosing' }
  | { readonly at: 'looking' | 'starting' }
  | { readonly at: 'planned'; readonly report: Report };

/** Other choices begin from the beginning: a plan is never shown beside choices that it was not made for. */
function Steps({ request, form }: { request: SyncRequest; form: ReactNode }) {
  const { client } = useStore(session);
  const [stage, setStage] = useState<Stage>({ at: 'choosing' });
  const [error, setError] = useState<unknown>(null);
  const [ending, setEnding] = useState<AbortController | null>(null);

  const preview = async (event?: FormEvent) => {
    event?.preventDefault();
    const own = new AbortController();
    setEnding(own);
    setError(null);
    setStage({ at: 'looking' });
    try {
      const answer = await client.api.sync.$post(
        { json: { ...request, dryRun: true } },
        { init: { signal: own.signal } },
      );
      // A dry run is never queued.
      if (answer.status === 200) setStage({ at: 'planned', report: await answer.json() });
    } catch (thrown) {
      if (!own.signal.aborted) setError(thrown);
      setStage({ at: 'choosing' });
    }
  };
  const apply = async () => {
    setError(null);
    setStage({ at: 'starting' });
    try {
      const answer = await client.api.sync.$post({ json: request ?? {} }, { headers: { Prefer: 'respond-async' } });
      const { runId } = await answer.json();
      forgetAnswers();
      navigate(hrefOf('run', runId));
    } catch (thrown) {
      setError(thrown);
      setStage({ at: 'choosing' });
    }
  };

  return (
    <>
      <form className="panel" onSubmit={(event) => void preview(event)}>
        {form}
        <div className="actions">
          <button
            type="submit"
            className={stage.at === 'planned' ? '' : 'primary'}
            disabled={stage.at !== 'choosing' && stage.at !== 'planned'}
          >
            {stage.at === 'planned' ? 'Preview again' : 'Preview'}
          </button>
          {stage.at === 'looking' && (
            <button type="button" onClick={() => ending?.abort()}>
              Stop looking
            </button>
          )}
        </div>
      </form>
      {error !== null && <Problem error={error} onRetry={() => void preview()} />}
      {(stage.at === 'looking' || stage.at === 'starting') && (
        <div role="status">
          <p>{stage.at === 'looking' ? '🔍 Comparing disk, records and bucket…' : '⏳ Starting…'}</p>
          <Progress share={null} label="Comparing" />
        </div>
      )}
      {stage.at === 'planned' && <PlanView report={stage.report} onApply={() => void apply()} />}
    </>
  );
}

interface ChoicesProps {
  readonly choices: SyncChoices;
  readonly album: Album | null;
  readonly albumId: string | null;
  readonly libraries: readonly Library[];
}

function Choices({ choices, album, albumId, libraries }: ChoicesProps) {
  const change = useQueryChange();
  return (
    <div className="fields">
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
    </div>
  );
}
