/** An album: its photos as a grid that is as long as the album, what S3 lacks of it, and a photo opened over it. */
import { type KeyboardEvent, useCallback, useState } from 'react';
import { usePaged } from '../api/paged.ts';
import { forgetAnswers, useQuery } from '../api/query.ts';
import type { Album, Photo, PhotoState } from '../api/types.ts';
import { albumName } from '../logic/album-list.ts';
import { formatBytes, formatCount, formatCounted } from '../logic/format.ts';
import { hrefOf } from '../logic/routes.ts';
import { isPhotoState, STATE_ORDER, STATES } from '../logic/states.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Answered, Empty, Heading, Problem } from '../ui/parts.tsx';
import { Link, usePlace, useQueryChange } from '../ui/router.tsx';
import { Manager } from './manager.tsx';
import { PhotoDetail } from './photo-detail.tsx';
import { PhotoGrid } from './photo-grid.tsx';

export function AlbumPage({ id }: { id: string }) {
  const album = useQuery(`album ${id}`, async (client, signal) =>
    (await client.api.albums[':id'].$get({ param: { id } }, { init: { signal } })).json(),
  );
  return <Answered query={album}>{(data) => <Opened album={data} reload={album.reload} />}</Answered>;
}

function Opened({ album, reload }: { album: Album; reload: () => void }) {
  const { query } = usePlace();
  const state = isPhotoState(query['state']) ? query['state'] : null;
  const order = query['order'] === 'takenAt' ? 'takenAt' : 'key';
  const photos = usePaged<Photo>(`${album.id} ${state} ${order}`, async (client, page, signal) => {
    const answer = await client.api.albums[':id'].photos.$get(
      { param: { id: album.id }, query: { ...page, order, ...(state && { state }) } },
      { init: { signal } },
    );
    const { photos: items, nextCursor } = await answer.json();
    return { items, nextCursor };
  });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const { reload: reloadPhotos } = photos;
  const changed = useCallback(() => {
    forgetAnswers();
    setSelected(new Set());
    reload();
    reloadPhotos();
  }, [reload, reloadPhotos]);
  const { folder, name } = albumName(album.path);
  const count = state === null ? album.photos : album.states[state];
  return (
    <>
      <Heading
        title={name}
        lead={
          <>
            <Link href={hrefOf('albums')}>Albums</Link> / {folder}
            {name} · {formatCounted(album.photos, 'photo')}, {formatBytes(album.bytes)}
          </>
        }
      >
        <Link className="button" href={hrefOf('sync', '', { album: album.id })}>
          Sync with preview…
        </Link>
      </Heading>
      <Manager album={album} selected={selected} onChanged={changed} />
      <Toolbar
        album={album}
        state={state}
        order={order}
        selected={selected}
        setSelected={setSelected}
        photos={photos.list.items}
      />
      {photos.error !== null && <Problem error={photos.error} onRetry={photos.retry} />}
      {count === 0 ? (
        <Empty>
          {state === null ? 'No photo of this album is on record.' : 'No photo of this album is in this state.'}
        </Empty>
      ) : (
        <PhotoGrid
          photos={photos.list.items}
          count={photos.list.started && photos.list.cursor === null ? photos.list.items.length : count}
          see={photos.see}
          selected={selected}
          setSelected={setSelected}
        />
      )}
      <OpenPhoto photos={photos.list.items} onChanged={changed} />
    </>
  );
}

interface ToolbarProps {
  readonly album: Album;
  readonly state: PhotoState | null;
  readonly order: string;
  readonly selected: ReadonlySet<string>;
  readonly setSelected: (selected: ReadonlySet<string>) => void;
  readonly photos: readonly Photo[];
}

function Toolbar({ album, state, order, selected, setSelected, photos }: ToolbarProps) {
  const change = useQueryChange();
  const choose = (query: Parameters<typeof change>[0]) => {
    setSelected(new Set());
    change(query);
  };
  return (
    <div className="filters">
      <label>
        Show
        <select value={state ?? ''} onChange={(event) => choose({ state: event.target.value })}>
          <option value="">All ({formatCount(album.photos)})</option>
          {STATE_ORDER.filter((one) => album.states[one] > 0 || one === state).map((one) => (
            <option key={one} value={one}>
              {STATES[one].label} ({formatCount(album.states[one])})
            </option>
          ))}
        </select>
      </label>
      <label>
        Order
        <select
          value={order}
          onChange={(event) => choose({ order: event.target.value === 'key' ? '' : event.target.value })}
        >
          <option value="key">By name</option>
          <option value="takenAt">By time taken</option>
        </select>
      </label>
      <button type="button" onClick={() => setSelected(new Set(photos.map(({ fileName }) => fileName)))}>
        Select {photos.length < album.photos ? 'loaded' : 'all'}
      </button>
      <button type="button" disabled={selected.size === 0} onClick={() => setSelected(new Set())}>
        Clear selection
      </button>
      <span className="quiet" role="status">
        {selected.size > 0 && `${formatCounted(selected.size, 'photo')} selected`}
      </span>
    </div>
  );
}

/** The photo that the address names, over the grid, which stays as it is. */
function OpenPhoto({ photos, onChanged }: { photos: readonly Photo[]; onChanged: () => void }) {
  const { query } = usePlace();
  const change = useQueryChange();
  const id = query['photo'];
  if (!id) return null;
  const at = photos.findIndex((photo) => photo.id === id);
  const [before, after] = at === -1 ? [] : [photos[at - 1], photos[at + 1]];
  const turn = (event: KeyboardEvent) => {
    const next = event.key === 'ArrowLeft' ? before : event.key === 'ArrowRight' ? after : undefined;
    if (next) change({ photo: next.id });
  };
  return (
    <Dialog wide onKey={turn} title={photos[at]?.fileName ?? 'Photo'} onClose={() => change({ photo: null })}>
      <nav className="steps" aria-label="Photos of the album">
        <button type="button" disabled={!before} onClick={() => change({ photo: before?.id })}>
          ← Previous
        </button>
        <button type="button" disabled={!after} onClick={() => change({ photo: after?.id })}>
          Next →
        </button>
        <Link href={hrefOf('photo', id)}>On a page of its own</Link>
      </nav>
      <PhotoDetail key={id} id={id} onChanged={onChanged} />
    </Dialog>
  );
}
