/** Which albums went elsewhere with all their photos: those keep their id and take the new path (DESIGN 5). Pure. */
import type { AlbumMove } from './catalog-port.ts';
import type { Pair } from './moves.ts';
import type { CatalogRow, Library } from './types.ts';

/** To be told of every row of a survey. */
export class AlbumTracker {
  readonly #prefix: string;
  /** By album: how many of its photos are on disk, by the folder of their key. As a rule one folder. */
  readonly #present = new Map<string, Map<string, { photos: number }>>();
  /** Rows come by folder: where the last one was counted. */
  #last = { albumId: '', folder: '\0', end: -1, count: { photos: 0 } };

  constructor({ prefix }: Library) {
    this.#prefix = prefix;
  }

  note({ albumId, key }: CatalogRow, onDisk: boolean): void {
    if (!onDisk) return;
    const end = key.lastIndexOf('/');
    const last = this.#last;
    if (last.albumId !== albumId || last.end !== end || !key.startsWith(last.folder)) {
      const folder = key.slice(0, end + 1);
      this.#last = { albumId, folder, end, count: this.#countOf(albumId, folder) };
    }
    this.#last.count.photos += 1;
  }

  #countOf(albumId: string, folder: string): { photos: number } {
    const folders = this.#present.get(albumId) ?? new Map<string, { photos: number }>();
    this.#present.set(albumId, folders);
    const count = folders.get(folder) ?? { photos: 0 };
    folders.set(folder, count);
    return count;
  }

  /** The albums of these moves of which nothing stays behind and everything is in one folder afterwards. */
  moved(pairs: readonly Pair[]): AlbumMove[] {
    const going = new Map<string, Set<string>>();
    const left = new Map<string, number>();
    const elsewhere = new Map<string, string>();
    for (const { departure, arrival } of pairs) {
      const { albumId, key } = departure.row;
      const target = folderOf(arrival.local.key);
      going.set(albumId, (going.get(albumId) ?? new Set()).add(target));
      if (folderOf(key) !== target) elsewhere.set(albumId, folderOf(key));
      const wasPresent = departure.found.triple.local !== undefined;
      if (wasPresent) count(left, `${albumId} ${folderOf(key)}`);
    }
    const albums: AlbumMove[] = [];
    for (const [id, targets] of going) {
      const [target, ...others] = targets;
      const from = elsewhere.get(id);
      if (target === undefined || others.length > 0 || from === undefined) continue;
      const staying = [...(this.#present.get(id) ?? [])].filter(
        ([folder, { photos }]) => folder !== target && photos > (left.get(`${id} ${folder}`) ?? 0),
      );
      if (staying.length === 0) albums.push({ id, from: this.#pathOf(from), path: this.#pathOf(target) });
    }
    return albums;
  }

  #pathOf(folder: string): string {
    return folder.length <= this.#prefix.length ? '.' : folder.slice(this.#prefix.length, -1);
  }
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
