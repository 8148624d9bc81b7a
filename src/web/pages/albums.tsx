/** All albums: found, sorted, and at a glance what state they are in. */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useDeferredValue, useMemo, useRef, useState } from 'react';
import { allAlbums, useLibraries } from '../api/lists.ts';
import { useQuery } from '../api/query.ts';
import type { Album } from '../api/types.ts';
import { albumName, findAlbums, isSort, SORTS } from '../logic/album-list.ts';
import { formatBytes, formatCount, formatCounted } from '../logic/format.ts';
import { hrefOf } from '../logic/routes.ts';
import { isTrouble, STATE_ORDER, STATES } from '../logic/states.ts';
import { useOffsetTop } from '../ui/offset.ts';
import { Badge, Empty, Heading, Problem, Waiting } from '../ui/parts.tsx';
import { Link, usePlace, useQueryChange } from '../ui/router.tsx';

const ROW = 56;

export function AlbumsPage() {
  const [first, setFirst] = useState<readonly Album[]>();
  const query = useQuery('albums', (client, signal) => allAlbums(client, signal, setFirst));
  const albums = query.data ?? first;
  return (
    <>
      <Heading title="Albums" />
      <Filters />
      {query.error !== null && <Problem error={query.error} onRetry={query.reload} />}
      {albums === undefined ? (
        query.error === null && <Waiting rows={8} />
      ) : (
        <Found albums={albums} complete={query.data !== undefined} />
      )}
    </>
  );
}

function Filters() {
  const { query } = usePlace();
  const change = useQueryChange();
  const libraries = useLibraries();
  const several = (libraries.data?.length ?? 0) > 1;
  return (
    <search className="filters">
      <label>
        Search
        <input type="search" value={query['q'] ?? ''} onChange={(event) => change({ q: event.target.value })} />
      </label>
      <label>
        Sort by
        <select value={query['sort'] ?? 'path'} onChange={(event) => change({ sort: event.target.value })}>
          {Object.entries(SORTS).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {several && (
        <label>
          Library
          <select value={query['library'] ?? ''} onChange={(event) => change({ library: event.target.value })}>
            <option value="">All</option>
            {libraries.data?.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <label className="check">
        <input
          type="checkbox"
          checked={query['show'] === 'trouble'}
          onChange={(event) => change({ show: event.target.checked ? 'trouble' : '' })}
        />
        Only what needs a look
      </label>
    </search>
  );
}

function Found({ albums, complete }: { albums: readonly Album[]; complete: boolean }) {
  const { query } = usePlace();
  const search = useDeferredValue(query['q'] ?? '');
  const { sort, library, show } = query;
  const found = useMemo(
    () =>
      findAlbums(albums, {
        search,
        sort: isSort(sort) ? sort : 'path',
        libraryId: library || null,
        troubled: show === 'trouble',
      }),
    [albums, search, sort, library, show],
  );
  return (
    <>
      <p className="quiet" role="status">
        {found.length === albums.length
          ? formatCounted(albums.length, 'album')
          : `${formatCount(found.length)} of ${formatCounted(albums.length, 'album')}`}
        {!complete && ', more to come…'}
      </p>
      {found.length > 0 ? <Rows albums={found} /> : <Nothing any={albums.length > 0} />}
    </>
  );
}

function Nothing({ any }: { any: boolean }) {
  if (any) return <Empty>No album is like that. Take something out of the search.</Empty>;
  return (
    <Empty>
      No albums are on record yet. <Link href={hrefOf('sync')}>Preview a sync</Link> to see what is on disk.
    </Empty>
  );
}

function Rows({ albums }: { albums: readonly Album[] }) {
  const list = useRef<HTMLUListElement>(null);
  const offset = useOffsetTop(list);
  const rows = useWindowVirtualizer({
    count: albums.length,
    estimateSize: () => ROW,
    overscan: 10,
    scrollMargin: offset,
    getItemKey: (at) => albums[at]?.id ?? at,
  });
  return (
    <ul ref={list} className="albums" style={{ blockSize: rows.getTotalSize() }}>
      {rows.getVirtualItems().map(({ index, key, start }) => {
        const album = albums[index];
        return (
          album && (
            <li
              key={key}
              aria-setsize={albums.length}
              aria-posinset={index + 1}
              style={{ blockSize: ROW, transform: `translateY(${start - offset}px)` }}
            >
              <AlbumRow album={album} />
            </li>
          )
        );
      })}
    </ul>
  );
}

function AlbumRow({ album }: { album: Album }) {
  const { folder, name } = albumName(album.path);
  return (
    <Link className="album" href={hrefOf('album', album.id)}>
      <span className="name">
        <span className="quiet">{folder}</span>
        <strong>{name}</strong>
      </span>
      <span className="badges">
        {STATE_ORDER.filter((state) => isTrouble(state) && album.states[state] > 0).map((state) => (
          <Badge key={state} tone={STATES[state].tone} title={STATES[state].meaning}>
            {formatCount(album.states[state])} {STATES[state].label.toLowerCase()}
          </Badge>
        ))}
      </span>
      <StateBar album={album} />
      <span className="quiet figures">
        {formatCounted(album.photos, 'photo')}, {formatBytes(album.bytes)}
      </span>
    </Link>
  );
}

/** Shares of states as a bar; the badges beside it say the same in words. */
function StateBar({ album }: { album: Album }) {
  return (
    <span className="state-bar" aria-hidden="true">
      {STATE_ORDER.filter((state) => album.states[state] > 0).map((state) => (
        <span key={state} className={`tone-${STATES[state].tone}`} style={{ flexGrow: album.states[state] }} />
      ))}
    </span>
  );
}
