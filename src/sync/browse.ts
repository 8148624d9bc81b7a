/** What the API and the command line ask of the catalog beside syncing: libraries to manage, rows to look at. */
import type { MediaState, PhotoMetadata, TakenAt } from './media-port.ts';
import type { StoredVariant } from './media-store.ts';
import type { RunHistory } from './run-history.ts';
import type { Library, LibrarySync, PhotoKind, PhotoState } from './types.ts';

/** A page of a list; `nextCursor` is null on the last one and opaque otherwise. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface PageRequest {
  readonly cursor?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

export interface NewLibrary {
  readonly name: string;
  readonly root: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly excludes: readonly string[];
  /** Left out: `up`. */
  readonly sync?: LibrarySync;
}

/** Excludes left out: none for a library that is made, its own for one that is there. */
export type EnsuredLibrary = Omit<NewLibrary, 'excludes'> & Partial<Pick<NewLibrary, 'excludes'>>;

/** Libraries may not overlap in the bucket: a key belongs to one library. LIBRARY_CONFLICT, NOT_FOUND. */
export interface LibraryStore {
  list(page: PageRequest): Promise<Page<Library>>;
  /** By id or name; null if there is none. */
  find(idOrName: string): Promise<Library | null>;
  create(library: NewLibrary): Promise<Library>;
  /**
   * The library of this bucket and prefix, made if there is none; one that is there keeps its name and its
   * `sync`. LIBRARY_CONFLICT when its root is another.
   */
  ensure(library: EnsuredLibrary): Promise<Library>;
  /** Bucket and prefix can change only while the library has no photos. */
  update(id: string, change: Partial<NewLibrary>): Promise<Library>;
  /** Forgets the library's rows; touches neither disk nor bucket. */
  remove(id: string): Promise<void>;
  /** Forgets a library that has never had a photo, and the history of its runs; leaves any other as it is. */
  removeUnused(id: string): Promise<void>;
}

export type StateCounts = Readonly<Record<PhotoState, number>>;

export interface AlbumView {
  readonly id: string;
  readonly libraryId: string;
  readonly path: string;
  readonly photos: number;
  readonly bytes: number;
  readonly states: StateCounts;
}

/** What a library holds. */
export interface LibraryTotals {
  readonly id: string;
  readonly name: string;
  readonly albums: number;
  readonly photos: number;
  readonly bytes: number;
  readonly states: StateCounts;
}

export interface PhotoView {
  readonly id: string;
  readonly libraryId: string;
  readonly albumId: string;
  readonly path: string;
  readonly fileName: string;
  readonly bucket: string;
  readonly key: string;
  readonly kind: PhotoKind;
  readonly contentType: string;
  readonly size: number;
  /** RFC 3339, from mtimeNs. */
  readonly modifiedAt: string;
  readonly md5: string | null;
  readonly etag: string | null;
  readonly storageClass: string | null;
  readonly state: PhotoState;
  readonly orphanedAt: string | null;
  readonly lastError: string | null;
  readonly verifiedAt: string | null;
  /** When a verify last read disk and bucket. */
  readonly checkedAt: string | null;
  /** What was wrong then, a line for each thing: `CODE: message`; null: nothing. */
  readonly damage: string | null;
  /** Null: its picture was never looked at. */
  readonly media: {
    readonly state: MediaState | 'failed';
    /** For a person; null when there is nothing to say. */
    readonly error: string | null;
    readonly processedAt: string;
  } | null;
  /** Pixels as it is to be looked at. */
  readonly width: number | null;
  readonly height: number | null;
  readonly durationMs: number | null;
  /** RFC 3339 in UTC; where the offset is not known, as if the clock on the wall had been that of UTC. */
  readonly takenAt: string | null;
  /** Minutes east of UTC. */
  readonly takenOffset: number | null;
  readonly takenFrom: TakenAt['from'] | null;
  readonly thumbhash: string | null;
  readonly metadata: PhotoDetails | null;
  /** The smallest first. */
  readonly variants: readonly VariantView[];
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** What else a photo tells of itself. */
export type PhotoDetails = Omit<PhotoMetadata, 'width' | 'height' | 'durationMs' | 'takenAt'>;

export type VariantView = Pick<StoredVariant, 'name' | 'width' | 'height' | 'size' | 'key'>;

export interface PhotoFilter {
  readonly state?: PhotoState;
  /** Left out: `key`. `takenAt`: then by key, those of which it is not known last. */
  readonly order?: 'key' | 'takenAt';
}

/** Photos of all albums; left out: of every library, in every state. */
export interface PhotosFilter {
  readonly libraryId?: string;
  readonly state?: PhotoState;
}

/** An object that a move or a download waits for. Times are RFC 3339. */
export interface ArchivedObject {
  readonly id: string;
  readonly libraryId: string;
  readonly bucket: string;
  readonly key: string;
  readonly photoId: string | null;
  readonly storageClass: string;
  readonly what: 'move' | 'download';
  /** `waiting`: nobody has asked for it yet. `failed`: asking was refused; see `lastError`. */
  readonly status: 'waiting' | 'in progress' | 'restored' | 'failed';
  readonly requestedAt: string | null;
  readonly restoredUntil: string | null;
  readonly lastError: string | null;
  readonly createdAt: string;
}

/** What was seen of an archived object just now. */
export interface ArchiveChange extends Pick<ArchivedObject, 'id' | 'status' | 'restoredUntil' | 'lastError'> {
  /** It was asked for just now; left out: the time of the asking stays. */
  readonly asked?: true;
}

/** What waits for a restore (DESIGN 8). */
export interface ArchiveStore {
  /** Oldest first; left out: of every library. */
  list(filter: { readonly libraryId?: string }, page: PageRequest): Promise<Page<ArchivedObject>>;
  update(changes: readonly ArchiveChange[]): Promise<void>;
}

/** How the two-way syncs of a library that asks for them have gone, whoever ran them. Times are RFC 3339. */
export interface TwoWayHistory {
  /** Its name. */
  readonly library: string;
  readonly lastGoodAt: string | null;
  /** The first run after the last good one that failed, in whole or in part, or was refused; null: none did. */
  readonly failingSince: string | null;
  /** What the latest of those said. */
  readonly error: string | null;
}

export interface CatalogBrowser extends RunHistory {
  albums(filter: { readonly libraryId?: string }, page: PageRequest): Promise<Page<AlbumView>>;
  album(id: string): Promise<AlbumView | null>;
  /** The album of a library by its path (NFC). */
  albumByPath(libraryId: string, path: string): Promise<AlbumView | null>;
  photos(albumId: string, filter: PhotoFilter, page: PageRequest): Promise<Page<PhotoView>>;
  photo(id: string): Promise<PhotoView | null>;
  /** Photos of all albums, a library after the other, by key. */
  allPhotos(filter: PhotosFilter, page: PageRequest): Promise<Page<PhotoView>>;
  /** Of every library, by name. */
  totals(signal: AbortSignal): Promise<readonly LibraryTotals[]>;
  /** Of each library whose `sync` is `both`, by name. */
  twoWayHistory(signal: AbortSignal): Promise<readonly TwoWayHistory[]>;
}
