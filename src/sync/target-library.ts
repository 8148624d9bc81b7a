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

function onlyOne(known: readonly Library[], root: string): Library | null {
  const found = known.filter((library) => library.root === root);
  const [only, ...others] = found;
  if (others.length === 0) return only ?? null;
  const places = found.map(({ bucket, prefix }) => `s3://${bucket}/${prefix}`).join(', ');
  const message = `${root} syncs to several places (${places}); name one of them`;
  throw new RollcallError('BAD_INPUT', message, { field: 'folder' });
}
