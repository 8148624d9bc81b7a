/** The page's addresses: what each shows, and back. The server knows the same paths (src/http/page-paths.ts). */

export const VIEWS = {
  overview: '/',
  albums: '/albums',
  album: '/albums/:id',
  photos: '/photos',
  photo: '/photos/:id',
  sync: '/sync',
  runs: '/runs',
  run: '/runs/:id',
  archive: '/archive',
  libraries: '/libraries',
  library: '/libraries/:id',
} as const;

export type View = keyof typeof VIEWS;

export interface Place {
  readonly view: View | null;
  readonly id: string;
  readonly query: Readonly<Record<string, string>>;
}

/** What an address shows; `view` null: nothing that there is. */
export function placeOf(pathname: string, search: string): Place {
  const query = Object.fromEntries(new URLSearchParams(search));
  for (const [view, path] of Object.entries(VIEWS)) {
    const id = match(path, pathname);
    if (id !== null) return { view: view as View, id, query };
  }
  return { view: null, id: '', query };
}

function match(path: string, pathname: string): string | null {
  if (!path.endsWith('/:id')) return path === pathname ? '' : null;
  const start = path.slice(0, -':id'.length);
  const rest = pathname.startsWith(start) ? pathname.slice(start.length) : '';
  if (rest === '' || rest.includes('/')) return null;
  try {
    return decodeURIComponent(rest);
  } catch {
    return null;
  }
}

export type Query = Readonly<Record<string, string | null | undefined>>;

/** The address of a view. What is empty in the query is left out: an address says only what is not the usual. */
export function hrefOf(view: View, id = '', query: Query = {}): string {
  const path = VIEWS[view].replace(':id', encodeURIComponent(id));
  const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const text = new URLSearchParams(given).toString();
  return text === '' ? path : `${path}?${text}`;
}
