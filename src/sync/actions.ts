/**
 * The steps of a plan: plain data that prints as the dry run, can be saved and applied later; each with the facts of
 * file, row and object under which it still holds.
 */
import type { BucketObject, CatalogRow, FileFacts, PhotoState } from './types.ts';

/** What must still be true of a row for a planned action to hold. */
export type RowFacts = Pick<CatalogRow, 'id' | 'size' | 'mtimeNs' | 'md5' | 'etag' | 'partSize' | 'state'>;

/** What must still be true of an object for a planned action to hold. */
export type ObjectFacts = Pick<BucketObject, 'size' | 'etag'>;

/** An object that is to be copied or read: where it is kept decides whether it can be. */
export type StoredFacts = Pick<BucketObject, 'size' | 'etag' | 'storageClass'>;

/** A photo's former name. */
export interface FormerPlace {
  readonly key: string;
  readonly path: string;
}

interface ActionBase {
  readonly key: string;
  readonly path: string;
  /** Why, in a few words a person reads in the dry run. */
  readonly reason: string;
}

/** Create the object of a photo that has none recorded; only if the key is free. */
export interface UploadAction extends ActionBase {
  readonly kind: 'upload';
  readonly local: FileFacts;
  readonly row?: RowFacts;
}

/**
 * Bring back a missing object (`object` absent: only if the key is still free), or replace the one seen (only if
 * its ETag is still that). Same bytes as recorded: only the row is refreshed.
 */
export interface ReuploadAction extends ActionBase {
  readonly kind: 'reupload';
  readonly local: FileFacts;
  readonly row?: RowFacts;
  readonly object?: ObjectFacts;
  /** Replace only an object that is the beginning of this file, one that never became whole; do this with any other. */
  readonly unlessOther?: 'conflict' | 'download';
  /** The object is on record and was found to hold other bytes: replace it, if the file holds the right ones. */
  readonly damaged?: true;
}

/**
 * The bucket already holds an object of this size: compare the contents and record the agreement, or do `otherwise` when
 * they differ. One that is shorter and the beginning of the file never became whole, and is a conflict.
 */
export interface AdoptAction extends ActionBase {
  readonly kind: 'adopt';
  readonly local: FileFacts;
  readonly row?: RowFacts;
  readonly object: ObjectFacts;
  /** What to do when the contents differ: nothing, replace the object, replace the file. */
  readonly otherwise: 'conflict' | 'replace' | 'download';
}

/**
 * Bring an object to disk: only if nothing is there, or (`local` given) in place of that very version of the file.
 * Only the version of the object that was seen.
 */
export interface DownloadAction extends ActionBase {
  readonly kind: 'download';
  readonly object: ObjectFacts;
  readonly local?: FileFacts;
  readonly row?: RowFacts;
}

/** Correct what the row says of a photo; neither disk nor bucket is touched. */
export interface UpdateAction extends ActionBase {
  readonly kind: 'update';
  readonly row: RowFacts;
  readonly change: {
    readonly state?: PhotoState;
    readonly local?: FileFacts;
    readonly path?: string;
    readonly object?: ObjectFacts;
  };
}

/** Stamp a row whose file is gone: `orphaned` (its object is kept) or `lost` (there is none). */
export interface MarkAction extends ActionBase {
  readonly kind: 'mark';
  readonly row: RowFacts;
  readonly state: 'orphaned' | 'lost';
}

/**
 * Remove the object of an orphaned photo, then its row; `object` absent: it is gone already, only the row goes. With
 * `local` the file is there and stays, read to the end first, and the row stays with it.
 */
export interface DeleteAction extends ActionBase {
  readonly kind: 'delete';
  readonly local?: FileFacts;
  readonly row: RowFacts;
  readonly object?: ObjectFacts;
}

/**
 * A photo was renamed: its object is copied on the server to the new key, the row follows, the old object goes. The
 * actions of a plan stand in an order in which every new key is free when its turn comes.
 */
export interface MoveAction extends ActionBase {
  readonly kind: 'move';
  readonly from: FormerPlace;
  readonly row: RowFacts;
  readonly local: FileFacts;
  /** The object under the old key. */
  readonly object: StoredFacts;
  /** The file that has taken the old path; left out: nothing may be there. */
  readonly replacedBy?: FileFacts;
  /** What the new key holds already; if it is the same content, nothing is copied. Left out: the key is free by then. */
  readonly target?: ObjectFacts;
  /** The file was changed too, or its object is gone: its bytes are uploaded under the new key instead of copied. */
  readonly edited?: true;
  /** Renames in a circle: this one steps aside to this key first, to make room for the others. */
  readonly via?: string;
}

/** The old object of a move that was recorded, and cut off before that object was removed. */
export interface LeftoverAction extends ActionBase {
  readonly kind: 'leftover';
  readonly object: ObjectFacts;
  /** The photo that moved, and the object it must have by now for the old one to go. */
  readonly photo: { readonly id: string; readonly key: string; readonly etag: string };
}

/**
 * The bucket holds the very bytes of this file under another name: a copy on the server instead of an upload. Only if
 * the key is free, or (`object` given) in place of that version.
 */
export interface CopyAction extends ActionBase {
  readonly kind: 'copy';
  readonly local: FileFacts;
  readonly md5: string;
  readonly row?: RowFacts;
  readonly object?: ObjectFacts;
  /** The photo whose object has them. */
  readonly from: Pick<CatalogRow, 'id' | 'key' | 'size' | 'partSize'> & { readonly etag: string };
}

/** An archived object must be restored before a move or a download can have it (DESIGN 8). `key` is that object's. */
export interface WaitAction extends ActionBase {
  readonly kind: 'wait';
  readonly what: 'move' | 'download';
  readonly object: StoredFacts;
  readonly row?: RowFacts;
  /** Where the photo would move. */
  readonly to?: FormerPlace;
}

/** Something a person must see; nothing is touched but a row's state. */
export interface ReportAction extends ActionBase {
  readonly kind: 'report';
  readonly what: 'conflict' | 'lost' | 'unstable';
  readonly code: 'CONFLICT' | 'NAME_COLLISION' | 'NAME_INVALID' | 'LOST' | 'FILE_UNSTABLE';
  readonly local?: FileFacts;
  readonly row?: RowFacts;
}

export type Action =
  | UploadAction
  | ReuploadAction
  | AdoptAction
  | DownloadAction
  | UpdateAction
  | MarkAction
  | DeleteAction
  | MoveAction
  | LeftoverAction
  | CopyAction
  | WaitAction
  | ReportAction;
