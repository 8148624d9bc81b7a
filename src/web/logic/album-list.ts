/** The albums as a list or a tree: found by their paths, sorted, thousands at a time. */
import type { Album } from '../api/types.ts';
import { troubles } from './states.ts';

export const SORTS = { path: 'Name', trouble: 'Needs a look', photos: 'Photos', bytes: 'Size' } as const;
export type Sort = keyof typeof SORTS;

export function isSort(text: string | undefined): text is Sort {
  return text !== undefined && Object.hasOwn(SORTS, text);
}

export interface AlbumQuery {
  readonly search: string;
  readonly sort: Sort;
  readonly libraryId: string | null;
  /** Only those that somebody should look at. */
  readonly troubled: boolean;
}

const byPath = new Intl.Collator('en', { numeric: true, sensitivity: 'base' }).compare;

/** Every word of the search must be in the path, in whatever order and case. */
export function findAlbums(albums: readonly Album[], { search, sort, libraryId, troubled }: AlbumQuery): Album[] {
  const words = search.normalize('NFC').toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const found = albums.filter(
    (album) =>
      (libraryId === null || album.libraryId === libraryId) &&
      (!troubled || troubles(album.states) > 0) &&
      (words.length === 0 || includesAll(album.path.toLocaleLowerCase(), words)),
  );
  return found.sort((a, b) => weight(b, sort) - weight(a, sort) || byPath(a.path, b.path));
}

function includesAll(path: string, words: readonly string[]): boolean {
  return words.every((word) => path.includes(word));
}

function weight(album: Album, sort: Sort): number {
  if (sort === 'photos') return album.photos;
  if (sort === 'bytes') return album.bytes;
  return sort === 'trouble' ? troubles(album.states) : 0;
}

/** How a path is shown: its folders small, its own name large. */
export function albumName(path: string): { readonly folder: string; readonly name: string } {
  if (path === '.') return { folder: '', name: 'Root of the library' };
  const end = path.lastIndexOf('/');
  return { folder: path.slice(0, end + 1), name: path.slice(end + 1) };
}
