/**
 * Looks at pictures: photos that are due are claimed, read once, and what was found is recorded after its variants are in
 * the bucket (DESIGN 10). Cut off anywhere, the claim runs out and the photo is due again.
 */
import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { asRollcallError } from '../errors.ts';
import type { BucketPort } from './bucket-port.ts';
import type { MediaPort, MediaResult, RenderedVariant } from './media-port.ts';
import type { ClaimedPhoto, MediaScope, MediaStore, ProcessedPhoto, StoredVariant } from './media-store.ts';
import type { DiskPort, Log, OpenFile } from './ports.ts';
import type { Library } from './types.ts';

export interface MediaParts {
  readonly media: MediaPort;
  readonly store: MediaStore;
  readonly openDisk: (library: Library) => DiskPort;
  readonly openBucket: (library: Library) => BucketPort;
  /** Where in the library's bucket variants are kept. */
  readonly variantsPrefix: string;
  readonly log: Log;
}

/** How photos of one claim ended. */
export interface WorkedOn {
  readonly claimed: number;
  readonly ready: number;
  /** Looked at, and there is nothing to be seen: of a format that cannot be previewed, too large, or corrupt. */
  readonly withoutPicture: number;
  /** The processing broke. */
  readonly failed: number;
  /** Not as the catalog has them: to be synced first. */
  readonly changed: number;
}

/** A year: a variant's key changes when its bytes do. */
const CACHE_CONTROL = 'public, max-age=31536000, immutable';
/** The largest sidecar that is read; larger ones are none. */
const LARGEST_SIDECAR = 4 * 1024 * 1024;
/** What says that the file is another by now, or not there: a sync has to look first. */
const CHANGED = new Set(['FILE_UNSTABLE', 'FILE_GONE', 'FILE_UNREADABLE']);

/**
 * Claims at most so many photos and works on them. Throws what ends it as a whole: DATABASE_*, BUCKET_*, GUARD_* where the
 * library's folder is not there; photos that were claimed are given back then.
 */
export async function workOnMedia(
  parts: MediaParts,
  library: Library,
  scope: Omit<MediaScope, 'libraryId'>,
  limit: number,
  signal: AbortSignal,
): Promise<WorkedOn> {
  const disk = parts.openDisk(library);
  await disk.verifyRoot(signal);
  const photos = await parts.store.claim({ ...scope, libraryId: library.id }, limit, signal);
  const worker = new MediaWorker(parts, library, disk, signal);
  return worker.workOn(photos);
}

/** One claim's work. */
export class MediaWorker {
  readonly #parts: MediaParts;
  readonly #library: Library;
  readonly #disk: DiskPort;
  readonly #bucket: BucketPort;
  readonly #signal: AbortSignal;

  constructor(parts: MediaParts, library: Library, disk: DiskPort, signal: AbortSignal) {
    this.#parts = parts;
    this.#library = library;
    this.#disk = disk;
    this.#bucket = parts.openBucket(library);
    this.#signal = signal;
  }

  async workOn(photos: readonly ClaimedPhoto[]): Promise<WorkedOn> {
    const count = { claimed: photos.length, ready: 0, withoutPicture: 0, failed: 0, changed: 0 };
    const open = new Set(photos);
    let fatal: { readonly thrown: unknown } | null = null;
    const one = async (photo: ClaimedPhoto) => {
      if (fatal !== null) return;
      try {
        this.#signal.throwIfAborted();
        count[await this.#lookAt(photo)] += 1;
        open.delete(photo);
      } catch (thrown) {
        fatal ??= { thrown };
      }
    };
    // What runs when something ends it all is waited for: it may yet be recorded.
    await pMap(photos, one, { concurrency: this.#parts.media.concurrency });
    if (fatal === null) return count;
    await this.#parts.store.giveBack([...open], null).catch(() => undefined);
    throw (fatal as { readonly thrown: unknown }).thrown;
  }

  /** Puts the variants of a photo into the bucket, then what was found into the catalog, if the claim still holds. */
  async save(photo: ClaimedPhoto, result: MediaResult): Promise<void> {
    const variants: StoredVariant[] = [];
    for (const variant of this.#keepsVariants() ? result.variants : []) variants.push(await this.#put(photo, variant));
    const { state, error, metadata, thumbhash } = result;
    const processed: ProcessedPhoto = { photo, state, error, metadata, thumbhash, variants };
    const taken = (await this.#parts.store.save(this.#library, [processed])).has(photo.id);
    if (taken && error !== null) {
      const fields = { path: photo.path, library: this.#library.name };
      this.#parts.log.warn(fields, `${photo.path} is ${state}: ${error}`);
    }
  }

  async #lookAt(photo: ClaimedPhoto): Promise<Ending> {
    try {
      const file = await this.#disk.open(photo.path, photo.local, this.#signal);
      let result: MediaResult;
      try {
        result = await this.process(photo, (offset, length, signal) => file.read(offset, length, signal));
        await file.verifyUnchanged();
      } finally {
        await file.close();
      }
      await this.save(photo, result);
      return result.state === 'ready' ? 'ready' : 'withoutPicture';
    } catch (thrown) {
      return this.#went(photo, thrown);
    }
  }

  /** Reads and renders; `read` gives the bytes of the version on record. */
  async process(photo: ClaimedPhoto, read: OpenFile['read']): Promise<MediaResult> {
    const { kind, path, local } = photo;
    const sidecar = await this.#sidecarOf(photo);
    const fileName = path.slice(path.lastIndexOf('/') + 1);
    const source = { fileName, kind, size: local.size, mtimeNs: local.mtimeNs, read, sidecar };
    return this.#parts.media.process(source, this.#signal);
  }

  async #went(photo: ClaimedPhoto, thrown: unknown): Promise<Ending> {
    this.#signal.throwIfAborted();
    const { code, message } = asRollcallError(thrown);
    if (CHANGED.has(code)) {
      await this.#parts.store.putOff([photo]);
      return 'changed';
    }
    if (code !== 'MEDIA_FAILED') throw thrown;
    this.#parts.log.warn({ path: photo.path, code }, `${photo.path} could not be looked at: ${message}`);
    await this.#parts.store.giveBack([photo], message);
    return 'failed';
  }

  async #sidecarOf({ sidecar }: ClaimedPhoto): Promise<Buffer | null> {
    if (sidecar === null || sidecar.local.size > LARGEST_SIDECAR) return null;
    const file = await this.#disk.open(sidecar.path, sidecar.local, this.#signal);
    try {
      const bytes = await file.read(0, sidecar.local.size, this.#signal);
      await file.verifyUnchanged();
      return bytes;
    } finally {
      await file.close();
    }
  }

  async #put(photo: ClaimedPhoto, { name, bytes, width, height }: RenderedVariant): Promise<StoredVariant> {
    const key = `${variantsFolder(this.#parts.variantsPrefix, this.#library)}${photo.id}/${name}-${hashOf(bytes)}.webp`;
    const object = { key, bytes, contentType: 'image/webp', cacheControl: CACHE_CONTROL };
    const { etag } = await this.#bucket.putDerived(object, this.#signal);
    return { name, key, width, height, size: bytes.length, etag };
  }

  /** Where a library is the bucket as a whole, variants would be photos of it. */
  #keepsVariants(): boolean {
    return !this.#parts.variantsPrefix.startsWith(this.#library.prefix);
  }
}

type Ending = Exclude<keyof WorkedOn, 'claimed'>;

/** Where all variants of a library are, and nothing else. */
export function variantsFolder(variantsPrefix: string, { id }: Library): string {
  return `${variantsPrefix}${id}/`;
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
