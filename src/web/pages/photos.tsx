/** Photos of all albums by state: what is missing or lost, and sending it again. */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { useLibraries } from '../api/lists.ts';
import { type PagedQuery, usePaged } from '../api/paged.ts';
import { forgetAnswers, useQuery } from '../api/query.ts';
import { session } from '../api/session.ts';
import type { Photo, PhotoState } from '../api/types.ts';
import { formatBytes, formatCount, formatCounted } from '../logic/format.ts';
import { tell } from '../logic/problems.ts';
import { reuploadWords } from '../logic/reupload.ts';
import { hrefOf } from '../logic/routes.ts';
import { isPhotoState, STATE_ORDER, STATES, sumStates } from '../logic/states.ts';
import { useOffsetTop } from '../ui/offset.ts';
import { Empty, Heading, Problem, StateBadge, Waiting } from '../ui/parts.tsx';
import { Link, usePlace, useQueryChange } from '../ui/router.tsx';
import { useStore } from '../ui/store.ts';
import { Thumb } from '../ui/thumb.tsx';
import { toast } from '../ui/toasts.tsx';

const ROW = 72;
/** States that an upload from disk may put right. */
const REUPLOADED = new Set<PhotoState>(['missing', 'lost', 'failed']);

export function PhotosPage() {
  const { query } = usePlace();
  const state = isPhotoState(query['state']) ? query['state'] : null;
  const library = query['library'] || null;
  const photos = usePaged<Photo>(`photos ${state} ${library}`, async (client, page, signal) => {
    const filter = { ...(state && { state }), ...(library && { library }) };
    const answer = await client.api.photos.$get({ query: { ...page, ...filter } }, { init: { signal } });
    const { photos: items, nextCursor } = await answer.json();
    return { items, nextCursor };
  });
  const { list, error, retry, reload } = photos;
  return (
    <>
      <Heading
        title={state === null ? 'Photos' : `${STATES[state].label} photos`}
        lead={state && STATES[state].meaning}
      >
        {state && REUPLOADED.has(state) && list.items.length > 0 && <ReuploadAll library={library} onDone={reload} />}
      </Heading>
      <Filters state={state} library={library} />
      {error !== null && <Problem error={error} onRetry={retry} />}
      {!list.started && error === null && <Waiting rows={8} />}
      {list.started && list.items.length === 0 && (
        <Empty>
          {state === null ? 'No photos are on record yet.' : `No photo is ${STATES[state].label.toLowerCase()}.`}
        </Empty>
      )}
      {list.items.length > 0 && <Rows photos={photos} />}
    </>
  );
}

function Filters({ state, library }: { state: PhotoState | null; library: string | null }) {
  const change = useQueryChange();
  const { data: libraries = [] } = useLibraries();
  const overview = useQuery('overview', async (client, signal) =>
    (await client.api.overview.$get({}, { init: { signal } })).json(),
  );
  const counted = (overview.data?.libraries ?? []).filter(({ id }) => library === null || id === library);
  const states = sumStates(counted.map((one) => one.states));
  return (
    <search className="filters">
      <label>
        State
        <select value={state ?? ''} onChange={(event) => change({ state: event.target.value })}>
          <option value="">All</option>
          {STATE_ORDER.map((one) => (
            <option key={one} value={one}>
              {STATES[one].label} {overview.data && `(${formatCount(states[one])})`}
            </option>
          ))}
        </select>
      </label>
      {libraries.length > 1 && (
        <label>
          Library
          <select value={library ?? ''} onChange={(event) => change({ library: event.target.value })}>
            <option value="">All</option>
            {libraries.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
    </search>
  );
}

function Rows({ photos: { list, see, reload } }: { photos: PagedQuery<Photo> }) {
  const ref = useRef<HTMLUListElement>(null);
  const offset = useOffsetTop(ref);
  const rows = useWindowVirtualizer({
    count: list.items.length,
    estimateSize: () => ROW,
    overscan: 8,
    scrollMargin: offset,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => see(last), [see, last]);
  return (
    <>
      <p className="quiet" role="status">
        {formatCounted(list.items.length, 'photo')}
        {list.cursor !== null && ' so far; scroll for more'}
      </p>
      <ul ref={ref} className="photos" style={{ blockSize: rows.getTotalSize() }}>
        {shown.map(({ index, start }) => {
          const photo = list.items[index];
          return (
            photo && (
              <li
                key={photo.id}
                aria-setsize={list.cursor === null ? list.items.length : -1}
                aria-posinset={index + 1}
                style={{ blockSize: ROW, transform: `translateY(${start - offset}px)` }}
              >
                <PhotoRow photo={photo} onChanged={reload} />
              </li>
            )
          );
        })}
      </ul>
    </>
  );
}

function PhotoRow({ photo, onChanged }: { photo: Photo; onChanged: () => void }) {
  return (
    <>
      <Thumb photo={photo} />
      <span className="text">
        <Link className="path" href={hrefOf('photo', photo.id)}>
          {photo.path}
        </Link>
        <span className="quiet">
          {formatBytes(photo.size)}
          {photo.lastError !== null && ` · ${photo.lastError}`}
        </span>
      </span>
      <StateBadge state={photo.state} />
      {REUPLOADED.has(photo.state) && <Reupload photo={photo} onDone={onChanged} />}
    </>
  );
}

function Reupload({ photo: { id, path }, onDone }: { photo: Photo; onDone: () => void }) {
  const { client } = useStore(session);
  return (
    <ReuploadButton
      label="Re-upload"
      name={`Re-upload ${path}`}
      onDone={onDone}
      ask={async () => (await client.api.photos[':id'].reupload.$post({ param: { id } })).json()}
    />
  );
}

function ReuploadAll({ library, onDone }: { library: string | null; onDone: () => void }) {
  const { client } = useStore(session);
  return (
    <ReuploadButton
      label="Re-upload all that is missing"
      onDone={onDone}
      ask={async () => (await client.api.reupload.$post({ json: library === null ? {} : { library } })).json()}
    />
  );
}

interface ReuploadProps {
  readonly label: string;
  readonly name?: string;
  readonly ask: () => Promise<Parameters<typeof reuploadWords>[0]>;
  readonly onDone: () => void;
}

function ReuploadButton({ label, name, ask, onDone }: ReuploadProps) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    try {
      for (const words of reuploadWords(await ask())) toast(words);
    } catch (thrown) {
      const { what, advice } = tell(thrown);
      toast({ tone: 'bad', text: `❌ Failed to re-upload: ${what} ${advice ?? ''}`.trim() });
    }
    setBusy(false);
    forgetAnswers();
    onDone();
  };
  return (
    <button type="button" disabled={busy} aria-busy={busy} aria-label={name} onClick={() => void press()}>
      {busy ? '⏳ Uploading…' : label}
    </button>
  );
}
