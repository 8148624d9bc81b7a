/** The library that a command or the configuration means. */
import { basename } from 'node:path';
import { RollcallError } from '../errors.ts';
import type { LibraryStore } from './browse.ts';
import type { Library } from './types.ts';

/** A folder and where it goes. */
export interface LibraryTarget {
  /** Absolute. */
  readonly root: string;
  readonly bucket: string;
  readonly prefix: string;
  /**
   * Who chose bucket and prefix. `given`: the user did. `known`: a library that has this root already comes first.
   * `free`: and if another library has the prefix, the folder gets one by its name.
   */
  readonly place: 'given' | 'known' | 'free';
}

/** Finds it in the catalog, or makes it. LIBRARY_CONFLICT when the place is another library's, BAD_INPUT in doubt. */
export async function ensureLibrary(
  libraries: LibraryStore,
  { root, bucket, prefix, place }: LibraryTarget,
): Promise<{ readonly library: Library; readonly isNew: boolean }> {
  const known = (await libraries.list({ limit: 1_000 })).items;
  const here = place === 'given' ? null : onlyOne(known, root);
  if (here !== null) return { library: here, isNew: false };
  const name = basename(root) || 'photos';
  const taken = place === 'free' && known.some((library) => library.bucket === bucket && library.prefix === prefix);
  const free = taken ? `${name.normalize('NFC')}/` : prefix;
  const library = await libraries.ensure({ name, root, bucket, prefix: free });
  return { library, isNew: known.every(({ id }) => id !== library.id) };
}

/** A folder and the place that somebody chose for it. */
export interface LibraryPlace {
  readonly folder: string;
  readonly bucket: string;
  readonly prefix: string;
  /** Left out: those of the library. */
  readonly excludes?: readonly string[];
}

/**
 * The library of a place that was named with its excludes, made if there is none. A dry run leaves one that is there as
 * it is and only answers the excludes asked for. LIBRARY_CONFLICT when the place is another folder's.
 */
export async function libraryOfPlace(
  libraries: LibraryStore,
  { folder: root, bucket, prefix, excludes }: LibraryPlace,
  dryRun: boolean,
): Promise<{ readonly library: Library; readonly isNew: boolean }> {
  const given = excludes === undefined ? {} : { excludes };
  const known = (await libraries.list({ limit: 1_000 })).items;
  const there = known.find((one) => one.bucket === bucket && one.prefix === prefix && one.root === root);
  if (there !== undefined && dryRun) return { library: { ...there, ...given }, isNew: false };
  const library = await libraries.ensure({ name: basename(root) || 'photos', root, bucket, prefix, ...given });
  return { library, isNew: known.every(({ id }) => id !== library.id) };
}

function onlyOne(known: readonly Library[], root: string): Library | null {
  const found = known.filter((library) => library.root === root);
  const [only, ...others] = found;
  if (others.length === 0) return only ?? null;
  const places = found.map(({ bucket, prefix }) => `s3://${bucket}/${prefix}`).join(', ');
  const message = `${root} syncs to several places (${places}); name one of them`;
  throw new RollcallError('BAD_INPUT', message, { field: 'folder' });
}
