/** Looking up what a path or a query names. */
import { RollcallError } from '../errors.ts';
import type { LibraryStore } from '../sync/browse.ts';
import type { Library } from '../sync/types.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Can this be the id of a row at all? */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The item with this id, or NOT_FOUND. What cannot be an id is not even asked for. */
export async function findById<Item>(
  what: string,
  id: string,
  find: (id: string) => Promise<Item | null>,
): Promise<Item> {
  const item = isUuid(id) ? await find(id) : null;
  if (item === null) throw new RollcallError('NOT_FOUND', `there is no ${what} with the id ${id}`, { field: 'id' });
  return item;
}

/** The library with this id or name, or NOT_FOUND. `field` is where the caller named it. */
export async function findLibrary(libraries: LibraryStore, idOrName: string, field: string): Promise<Library> {
  const library = await libraries.find(idOrName);
  if (library === null) {
    throw new RollcallError('NOT_FOUND', `there is no library with the id or name ${idOrName}`, { field });
  }
  return library;
}

/** A list's filter from its `library` query: nothing when it is left out. */
export async function libraryFilter(
  libraries: LibraryStore,
  idOrName: string | undefined,
): Promise<{ libraryId?: string }> {
  if (idOrName === undefined) return {};
  return { libraryId: (await findLibrary(libraries, idOrName, 'library')).id };
}
