/** The page's frame: navigation, the view of the address, the token prompt, messages. */
import { Component, type ReactNode, useEffect, useRef } from 'react';
import { leave, session } from './api/session.ts';
import { hrefOf, type Place, type View } from './logic/routes.ts';
import { AlbumPage } from './pages/album.tsx';
import { AlbumsPage } from './pages/albums.tsx';
import { ArchivePage } from './pages/archive.tsx';
import { LibrariesPage } from './pages/libraries.tsx';
import { LibraryPage } from './pages/library.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { PhotoPage } from './pages/photo.tsx';
import { PhotosPage } from './pages/photos.tsx';
import { RunPage } from './pages/run.tsx';
import { RunsPage } from './pages/runs.tsx';
import { SyncPage } from './pages/sync.tsx';
import { Door } from './ui/door.tsx';
import { Heading, Problem } from './ui/parts.tsx';
import { Link, usePlace } from './ui/router.tsx';
import { useStore } from './ui/store.ts';
import { ThemeChoice } from './ui/theme.tsx';
import { Toasts } from './ui/toasts.tsx';

/** The navigation, and the views that belong to each of its entries. */
const NAVIGATION: readonly { readonly view: View; readonly label: string; readonly also: readonly View[] }[] = [
  { view: 'overview', label: 'Overview', also: [] },
  { view: 'albums', label: 'Albums', also: ['album', 'photo'] },
  { view: 'photos', label: 'Photos', also: [] },
  { view: 'sync', label: 'Sync', also: [] },
  { view: 'runs', label: 'Runs', also: ['run'] },
  { view: 'archive', label: 'Archive', also: [] },
  { view: 'libraries', label: 'Libraries', also: ['library'] },
];

export function App() {
  const place = usePlace();
  const { door, guarded } = useStore(session);
  const main = useFocusOnView(place);
  if (door !== 'open') return <Door refused={door === 'refused'} />;
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="frame">
        <Link className="brand" href="/">
          Rollcall
        </Link>
        <nav aria-label="Views">
          {NAVIGATION.map(({ view, label, also }) => {
            const here = place.view === view || (place.view !== null && also.includes(place.view));
            return (
              <Link key={view} href={hrefOf(view)} aria-current={here ? 'page' : undefined}>
                {label}
              </Link>
            );
          })}
        </nav>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Shield key={`${place.view} ${place.id}`}>
          <ViewOf place={place} />
        </Shield>
      </main>
      <footer className="frame">
        <ThemeChoice />
        {/* A link sends no token, and would be refused. */}
        {!guarded && <a href="/docs">API</a>}
        {guarded && (
          <button type="button" className="plain" onClick={leave}>
            Other token
          </button>
        )}
      </footer>
      <Toasts />
    </>
  );
}

function ViewOf({ place: { view, id } }: { place: Place }) {
  switch (view) {
    case 'overview':
      return <OverviewPage />;
    case 'albums':
      return <AlbumsPage />;
    case 'album':
      return <AlbumPage key={id} id={id} />;
    case 'photos':
      return <PhotosPage />;
    case 'photo':
      return <PhotoPage key={id} id={id} />;
    case 'sync':
      return <SyncPage />;
    case 'runs':
      return <RunsPage />;
    case 'run':
      return <RunPage key={id} id={id} />;
    case 'archive':
      return <ArchivePage />;
    case 'libraries':
      return <LibrariesPage />;
    case 'library':
      return <LibraryPage key={id} id={id} />;
    case null:
      return <Heading title="There is nothing here" lead={<Link href="/">To the overview</Link>} />;
  }
}

/** Whoever listens to the page is taken to the new view, as on a page that was loaded. */
function useFocusOnView({ view, id }: Place) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(`${view} ${id}`);
  useEffect(() => {
    const now = `${view} ${id}`;
    if (shown.current === now) return;
    shown.current = now;
    main.current?.focus({ preventScroll: true });
  }, [view, id]);
  return main;
}

/** A fault in a view leaves the frame standing. */
class Shield extends Component<{ readonly children: ReactNode }, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <Problem error={this.state.error} onRetry={() => location.reload()} />;
  }
}
