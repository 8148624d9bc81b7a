/** From what a request names to the scopes it covers. */
import { RollcallError } from '../errors.ts';
import type { CatalogBrowser, LibraryStore } from './browse.ts';
import type { BucketPort } from './bucket-port.ts';
import { prefixOf } from './inventory.ts';
import type { DiskPort } from './ports.ts';
import { albumPath } from './scope.ts';
import type { SyncRequest } from './service.ts';
import type { Library, Scope } from './types.ts';

export interface ScopeParts {
  readonly libraries: LibraryStore;
  readonly browser: CatalogBrowser;
  openDisk(library: Library): DiskPort;
  openBucket(library: Library): BucketPort;
}

export interface ScopeRequest extends Pick<SyncRequest, 'library' | 'album' | 'albumId'> {
  /** Is an album known that only the bucket has? */
  readonly inBucket: boolean;
}

const MOST_LIBRARIES_A_PAGE = 1_000;

/** An album, a library, or every library. NOT_FOUND for what does not exist, BAD_INPUT for an album of several. */
export async function resolveScopes(
  parts: ScopeParts,
  request: ScopeRequest,
  signal: AbortSignal,
): Promise<readonly Scope[]> {
  if (request.albumId !== undefined) return [await byAlbumId(parts, request.albumId, request.library)];
  const { album } = request;
  const path = album === undefined ? null : albumPath(album);
  if (request.library !== undefined) {
    const library = await parts.libraries.find(request.library);
    if (library === null)
      throw new RollcallError('NOT_FOUND', `there is no library ${request.library}`, { field: 'library' });
    if (path === null || (await hasAlbum(parts, library, path, request.inBucket, signal))) {
      return [{ library, album: path }];
    }
    throw new RollcallError('NOT_FOUND', `${library.name} has no album ${path}`, { field: 'album' });
  }
  const libraries = await allLibraries(parts.libraries);
  if (path === null) return libraries.map((library) => ({ library, album: null }));
  return [await libraryOfAlbum(parts, libraries, path, request.inBucket, signal)];
}

async function byAlbumId(parts: ScopeParts, albumId: string, libraryName: string | undefined): Promise<Scope> {
  const album = await parts.browser.album(albumId);
  const library = album && (await parts.libraries.find(album.libraryId));
  const named = libraryName === undefined || library?.id === libraryName || library?.name === libraryName;
  if (!album || !library || !named) {
    throw new RollcallError('NOT_FOUND', `there is no album ${albumId}`, { field: 'albumId' });
  }
  return { library, album: album.path };
}

/** An album is known by its rows, a folder on disk or objects. Each is asked only where the one before has none. */
async function hasAlbum(
  parts: ScopeParts,
  library: Library,
  path: string,
  inBucket: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await parts.browser.albumByPath(library.id, path)) !== null) return true;
  const disk = parts.openDisk(library);
  await disk.verifyRoot(signal);
  if (await disk.hasFolder(path, signal)) return true;
  return inBucket && (await hasObjects(parts.openBucket(library), { library, album: path }, signal));
}

async function hasObjects(bucket: BucketPort, scope: Scope, signal: AbortSignal): Promise<boolean> {
  for await (const batch of bucket.list(prefixOf(scope), { shallow: true }, signal).batches) {
    if (batch.length > 0) return true;
  }
  return false;
}

async function libraryOfAlbum(
  parts: ScopeParts,
  libraries: readonly Library[],
  path: string,
  inBucket: boolean,
  signal: AbortSignal,
): Promise<Scope> {
  const having: Library[] = [];
  for (const library of libraries) {
    if (await hasAlbum(parts, library, path, inBucket, signal)) having.push(library);
  }
  const [only] = having;
  if (only === undefined) throw new RollcallError('NOT_FOUND', `there is no album ${path}`, { field: 'album' });
  if (having.length > 1) {
    const names = having.map(({ name }) => name).join(', ');
    throw new RollcallError('BAD_INPUT', `album ${path} is in several libraries (${names}); name one in library`, {
      field: 'library',
    });
  }
  return { library: only, album: path };
}

/** Every library, page by page. */
export async function allLibraries(store: Pick<LibraryStore, 'list'>): Promise<readonly Library[]> {
  const libraries: Library[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.list({ limit: MOST_LIBRARIES_A_PAGE, ...(cursor !== null && { cursor }) });
    libraries.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return libraries;
}
