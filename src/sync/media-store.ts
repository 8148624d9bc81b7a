/** What the catalog remembers of pictures: which photos have to be looked at, what was found, and their variants. */

import type { MediaState, PhotoMetadata, VariantName } from './media-port.ts';
import type { FileFacts, Library, PhotoKind } from './types.ts';

/** Whose photos. */
export interface MediaScope {
  /** Left out: every library's. */
  readonly libraryId?: string;
  /** NFC; with `libraryId`. */
  readonly album?: string;
  readonly photoIds?: readonly string[];
}

/**
 * A photo whose bytes have not been looked at. Whoever claimed it has it for himself for some minutes; what he finds is
 * taken only while the claim holds: the photo, or the sidecar that belongs to it, may change meanwhile.
 */
export interface ClaimedPhoto {
  readonly id: string;
  readonly libraryId: string;
  readonly claim: string;
  readonly key: string;
  readonly path: string;
  readonly kind: PhotoKind;
  /** The file on record; anything else is to be synced first. */
  readonly local: FileFacts;
  readonly md5: string;
  /** The XMP file that belongs to it: `name.jpg.xmp` before `name.xmp`. */
  readonly sidecar: { readonly path: string; readonly local: FileFacts } | null;
}

/** A smaller rendering of a photo in the bucket. */
export interface StoredVariant {
  readonly name: VariantName;
  readonly key: string;
  readonly width: number;
  readonly height: number;
  /** Bytes. */
  readonly size: number;
  /** What the bucket calls this version of it. */
  readonly etag: string;
}

/** What was found in a photo. */
export interface ProcessedPhoto {
  readonly photo: ClaimedPhoto;
  readonly state: MediaState | 'failed';
  readonly error: string | null;
  /** Null: nothing could be found out, what is on record stays. */
  readonly metadata: PhotoMetadata | null;
  readonly thumbhash: string | null;
  /** All it has now: others on record become remains. */
  readonly variants: readonly StoredVariant[];
}

/** A variant on record. */
export interface VariantRow extends Pick<StoredVariant, 'name' | 'key' | 'size' | 'etag'> {
  readonly photoId: string;
}

/** Photos by what is known of their pictures. */
export interface MediaCounts {
  readonly due: number;
  readonly ready: number;
  readonly unsupported: number;
  readonly refused: number;
  readonly corrupt: number;
  readonly failed: number;
}

/** DATABASE_* errors when the database cannot be used. */
export interface MediaStore {
  /**
   * Claims photos that are due, at most so many, by key: images and videos that are in the bucket and on disk, and were
   * never looked at, or changed since (a sidecar that came, changed or went counts). What somebody else has claimed is
   * left to him for ten minutes. `md5` with `key`: only that version of that one photo.
   */
  claim(
    scope: MediaScope | { readonly libraryId: string; readonly key: string; readonly md5: string },
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly ClaimedPhoto[]>;
  /** Libraries with photos that are due and not claimed, with how many there are. */
  due(signal: AbortSignal): Promise<readonly { readonly libraryId: string; readonly photos: number }[]>;
  counts(scope: MediaScope, signal: AbortSignal): Promise<MediaCounts>;
  /** Makes photos due: `failed` ones (the processing broke), or all. Answers how many are due then. */
  demand(scope: MediaScope, which: 'failed' | 'all'): Promise<number>;
  /** Makes these photos due whose variants were found to be missing. */
  demandPhotos(photoIds: readonly string[]): Promise<void>;
  /**
   * Writes what was found, in one transaction, and answers the ids of the photos it was taken for: those whose claim
   * holds. Variants that these photos had under other keys become remains; of the others, the new ones do.
   */
  save(library: Library, processed: readonly ProcessedPhoto[]): Promise<ReadonlySet<string>>;
  /**
   * Ends claims without a result. With an error the attempt counts: after the fifth the photo is `failed`, until its
   * bytes change or it is demanded.
   */
  giveBack(photos: readonly ClaimedPhoto[], error: string | null): Promise<void>;
  /**
   * Ends claims without a result; nobody looks at these photos for ten minutes, unless they change or are demanded: their
   * files are not as they are on record. (A claim that is not ended at all counts as an attempt.)
   */
  putOff(photos: readonly ClaimedPhoto[]): Promise<void>;
  /** Variants on record of a library whose keys come after this one, by key (UTF-8 byte order). */
  variants(library: Library, after: string, limit: number, signal: AbortSignal): Promise<readonly VariantRow[]>;
  /** Objects that were variants of this library: of photos that are deleted or changed. To be removed. */
  remains(
    library: Library,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly { readonly key: string; readonly etag: string }[]>;
  /** These objects are gone. */
  forgetRemains(library: Library, keys: readonly string[]): Promise<void>;
}
