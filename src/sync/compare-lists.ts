/** What a comparison answers (DESIGN 7), and which of its lists an entry belongs to: pure. */

import type { ContentMatch } from './bucket-port.ts';
import { loggedName } from './outcomes.ts';
import type { Scope, Triple } from './types.ts';

/** In these very names it goes out over HTTP. `filename` is the name within the album; of a whole library, the path. */
export interface Comparison {
  /** `localPath` is relative to the library's root. */
  readonly missing_in_s3: readonly { readonly filename: string; readonly localPath: string; readonly size: number }[];
  readonly missing_locally: readonly { readonly filename: string; readonly s3Key: string; readonly size: number }[];
  readonly different: readonly DifferentPhoto[];
  readonly identical: readonly { readonly filename: string; readonly size: number }[];
}

export interface DifferentPhoto {
  readonly filename: string;
  /** `unknown`: the ETag says nothing about the content, or one of the two changed while it was read. */
  readonly reason: 'content_mismatch' | 'size_mismatch' | 'unknown';
  /** Null only where the file could not be read to its end as one version. */
  readonly localMd5: string | null;
  readonly s3Etag: string;
}

/** `left out`: an exclude hides it, a link leads there, or the caller did not ask for this file. */
export type OnDisk = 'file' | 'none' | 'left out';

/** `unseen`: the listing did not get there. */
export type InBucket = 'object' | 'none' | 'unseen';

/** Of a file and an object: what their sizes and contents say. */
export type Contents = ContentMatch | 'other size';

/** Where an entry goes, a difference by its reason; null: in none of the lists. */
export type Place = 'missing_in_s3' | 'missing_locally' | 'identical' | DifferentPhoto['reason'] | null;

const DIFFERENCES = {
  same: 'identical',
  different: 'content_mismatch',
  'other size': 'size_mismatch',
  unknown: 'unknown',
} as const satisfies Record<Contents, Place>;

/** Says which list an entry belongs to. Only proven absence is "missing". */
export function placeOf(disk: OnDisk, bucket: InBucket, contents: Contents): Place {
  if (disk === 'left out' || bucket === 'unseen') return null;
  if (disk === 'file') return bucket === 'object' ? DIFFERENCES[contents] : 'missing_in_s3';
  return bucket === 'object' ? 'missing_locally' : null;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : never };

/** Gathers the lists. */
export class Lists {
  readonly comparison: Mutable<Comparison> = { missing_in_s3: [], missing_locally: [], different: [], identical: [] };
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  add({ key, local, object }: Triple, place: Place, localMd5: string | null): void {
    const lists = this.comparison;
    const path = local?.path ?? key.slice(this.#scope.library.prefix.length);
    const filename = loggedName(path, this.#scope);
    const size = local?.size ?? object?.size ?? 0;
    switch (place) {
      case null:
        return;
      case 'missing_in_s3':
        lists.missing_in_s3.push({ filename, localPath: path, size });
        return;
      case 'missing_locally':
        lists.missing_locally.push({ filename, s3Key: key, size });
        return;
      case 'identical':
        lists.identical.push({ filename, size });
        return;
      default:
        lists.different.push({ filename, reason: place, localMd5, s3Etag: object?.etag ?? '' });
    }
  }
}
