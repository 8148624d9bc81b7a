/** What a sync should make of a library's renames: DESIGN 5 written down once more, naively, without inodes or order. */
import { posix } from 'node:path';

export interface ModelFile {
  /** Stays with the file whatever it is called and whatever is in it. */
  readonly token: number;
  readonly content: string;
}

export interface ModelRow extends ModelFile {
  readonly id: string;
  readonly albumId: string;
}

/** A row whose file has another path now. */
interface Rename {
  readonly from: string;
  readonly to: string;
}

/** What a sync may leave behind, given the rows before it and the files as they are. */
export class MovesModel {
  readonly #rows: ReadonlyMap<string, ModelRow>;
  readonly #files: ReadonlyMap<string, ModelFile>;
  /** Renames whose new place is free, or is made so by another one of them. */
  readonly renames: readonly Rename[];
  readonly #movedTo: ReadonlyMap<string, Rename>;
  readonly #movedFrom: ReadonlyMap<string, Rename>;
  readonly #someBlocked: boolean;

  /** Both by path. `knowsBirths`: without, a photo that was renamed and edited may be taken for a new one. */
  constructor(
    rows: ReadonlyMap<string, ModelRow>,
    files: ReadonlyMap<string, ModelFile>,
    { knowsBirths }: { readonly knowsBirths: boolean },
  ) {
    this.#rows = rows;
    this.#files = files;
    const places = new Map([...rows].map(([path, { token }]) => [token, path]));
    const all = [...files].flatMap(([to, { token, content }]) => {
      const from = places.get(token);
      if (from === undefined || from === to) return [];
      return knowsBirths || rows.get(from)?.content === content ? [{ from, to }] : [];
    });
    this.renames = this.#possible(all);
    this.#someBlocked = this.renames.length < all.length;
    this.#movedTo = new Map(this.renames.map((rename) => [rename.to, rename]));
    this.#movedFrom = new Map(this.renames.map((rename) => [rename.from, rename]));
  }

  #possible(all: readonly Rename[]): readonly Rename[] {
    let possible = all;
    for (;;) {
      const leaving = new Set(possible.map(({ from }) => from));
      const next = possible.filter(({ to }) => !this.#rows.has(to) || leaving.has(to));
      if (next.length === possible.length) return next;
      possible = next;
    }
  }

  /** Ids that the photo at this path may have; null: also one that is new. */
  idsFor(path: string): readonly (string | null)[] {
    const file = this.#files.get(path);
    const own = this.#rows.get(path);
    if (file === undefined) return [];
    if (own?.token === file.token) return [own.id];
    const rename = this.#movedTo.get(path);
    if (rename !== undefined) return [this.#rows.get(rename.from)?.id ?? null];
    // Of no known file: perhaps known by its content, else by its place, else new.
    const alike = [...this.#rows.values()].filter(
      ({ token, content }) => content === file.content || token === file.token,
    );
    const stays = own !== undefined && !this.#movedFrom.has(path);
    const mayLeave = stays && [...this.#files.values()].some(({ content }) => content === own.content);
    return [...alike.map(({ id }) => id), ...(stays ? [own.id] : []), ...(!stays || mayLeave ? [null] : [])];
  }

  /**
   * Bytes that a sync may upload. At least once what no photo had, at most for each file that has it; and again what only
   * a photo had that was renamed and edited, for its object goes. `most` is null where photos that took each other's
   * place are there twice: they can be sources of each other, and then one is sent.
   */
  newBytes(): { readonly least: number; readonly most: number | null } {
    const rows = [...this.#rows].filter(([, { content }]) => content !== '');
    const contents = rows.map(([, { content }]) => content);
    const lasting = rows.filter(([path]) => !this.#isEditedElsewhere(path)).map(([, { content }]) => content);
    const least = total([...new Set(this.#contentsBut(contents))]);
    const doubtful = this.#someBlocked && new Set(contents).size < contents.length;
    return { least, most: doubtful ? null : total(this.#contentsBut(lasting)) };
  }

  #contentsBut(known: readonly string[]): string[] {
    return [...this.#files.values()].map(({ content }) => content).filter((content) => !known.includes(content));
  }

  #isEditedElsewhere(path: string): boolean {
    const rename = this.#movedFrom.get(path);
    return rename !== undefined && this.#files.get(rename.to)?.content !== this.#rows.get(path)?.content;
  }

  /** Albums of which everything went to a folder that had no photos, and nothing else did: by their new path. */
  movedAlbums(): ReadonlyMap<string, string> {
    const moved = new Map<string, string>();
    const groups = Map.groupBy(this.#rows, ([, { albumId }]) => albumId);
    for (const [albumId, rows] of groups) {
      const targets = new Set(rows.map(([path]) => folderOf(this.#movedFrom.get(path)?.to ?? path)));
      const [target, ...others] = targets;
      const [home] = rows.map(([path]) => folderOf(path));
      if (target === undefined || others.length > 0 || target === home) continue;
      if (rows.some(([path]) => !this.#movedFrom.has(path))) continue;
      const wasUsed = [...this.#rows.keys()].some((path) => folderOf(path) === target);
      const othersCame = this.renames.some(
        ({ from, to }) => folderOf(to) === target && this.#rows.get(from)?.albumId !== albumId,
      );
      if (!wasUsed && !othersCame) moved.set(target, albumId);
    }
    return moved;
  }
}

function total(contents: readonly string[]): number {
  return contents.reduce((sum, { length }) => sum + length, 0);
}

/** The path of a file's album. */
export function folderOf(path: string): string {
  return posix.dirname(path);
}
