/** Old objects of moves that were recorded and then cut off: they are nobody's photos, and go first. */
import type { LeftoverAction } from './actions.ts';
import type { Leftover } from './catalog-port.ts';
import { objectFacts } from './make-action.ts';
import type { Pair } from './moves.ts';
import { allowedKeys } from './scope.ts';
import type { Scope, Triple } from './types.ts';

/** The leftovers of one run's scope. */
export class Leftovers {
  readonly #byKey: ReadonlyMap<string, Leftover>;
  readonly #acts: boolean;
  readonly #prefix: string;

  /** `acts`: this run may remove them; any run leaves them out of what it compares. */
  constructor(leftovers: readonly Leftover[], { library, album }: Scope, acts: boolean) {
    const allowed = allowedKeys(library.prefix, album);
    const inScope = leftovers.filter(({ key }) => allowed(key, key.slice(library.prefix.length)));
    this.#byKey = new Map(inScope.map((leftover) => [leftover.key, leftover]));
    this.#acts = acts;
    this.#prefix = library.prefix;
  }

  /** The triple as if the leftover were gone; null if there is nothing else. A photo's own object is none. */
  hide(triple: Triple): Triple | null {
    if (this.#byKey.size === 0) return triple;
    const leftover = this.#byKey.get(triple.key);
    const { object, row, local } = triple;
    if (leftover === undefined || object?.etag !== leftover.etag || (row && row.etag !== null)) return triple;
    if (!local && !row) return null;
    return { key: triple.key, ...(local && { local }), ...(row && { row }) };
  }

  /** What removes them, but for those that their own photo is coming back to. */
  actions(pairs: readonly Pair[]): LeftoverAction[] {
    if (!this.#acts) return [];
    const back = new Set(
      pairs.filter(({ edited }) => !edited).map(({ departure, arrival }) => `${departure.row.id} ${arrival.local.key}`),
    );
    return [...this.#byKey.values()].flatMap(({ key, size, etag, photo }) => {
      if (back.has(`${photo.id} ${key}`) || photo.etag === null || photo.key === key) return [];
      return [
        {
          kind: 'leftover' as const,
          key,
          path: key.slice(this.#prefix.length),
          reason: `left over when its photo became ${photo.key.slice(this.#prefix.length)}`,
          object: objectFacts({ size, etag }),
          photo: { id: photo.id, key: photo.key, etag: photo.etag },
        },
      ];
    });
  }
}
