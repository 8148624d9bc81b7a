/**
 * Carries out renames (DESIGN 5): each object is copied on the server and verified, then the row follows, then the old
 * object goes. Cut off anywhere, the next run finds either the rename still to do, or the old object noted as a leftover.
 */
import pMap from 'p-map';
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { LeftoverAction, MoveAction } from './actions.ts';
import type { AlbumMove, RowChange } from './catalog-port.ts';
import { type Carried, type CarryOptions, carry } from './move-object.ts';
import { type MoveStep, orderMoves } from './moves.ts';
import { PlacesAsPlanned } from './places-as-planned.ts';
import { stepAside } from './plan-moves.ts';
import type { Library } from './types.ts';

/** How one move ended. */
export type MoveResult =
  | { readonly outcome: 'moved'; readonly bytes: number }
  /** Something changed since the plan was made; the next run looks again. */
  | { readonly outcome: 'unstable'; readonly message: string }
  | { readonly outcome: 'failed'; readonly error: RollcallError };

export interface MoveOptions extends CarryOptions {
  readonly library: Library;
  readonly concurrency: number;
  readonly onMoved: (action: MoveAction, result: MoveResult) => Promise<void>;
  readonly onTidied: (action: LeftoverAction, result: 'deleted' | 'kept' | RollcallError) => Promise<void>;
  /** An old object that could not be removed: its rename is done, and it is tried again by the next run. */
  readonly onLeft: (action: MoveAction, error: RollcallError) => void;
  readonly isStopped: () => boolean;
}

/** So many moves are recorded, and their old objects removed, at once: while the next ones are copied. */
const BATCH = 250;

type Step = MoveStep<MoveAction>;

/** What came of the renames, for the actions after them. */
export interface Moved {
  /** Where the objects of photos are now, by photo; those whose bytes have changed have none. */
  readonly places: ReadonlyMap<string, { readonly key: string; readonly etag: string }>;
  /** Old keys whose photos did not move away: what was to take their place cannot. */
  readonly blocked: ReadonlySet<string>;
}

/** Executes them in their order. Throws only when the catalog does. */
export async function executeMoves(
  moves: readonly MoveAction[],
  leftovers: readonly LeftoverAction[],
  albums: readonly AlbumMove[],
  options: MoveOptions,
): Promise<Moved> {
  const mover = new Mover(options, albums);
  await mover.tidyAll(leftovers);
  if (moves.length === 0 || mover.stopped) return mover.moved;
  for (const level of orderMoves(moves, stepAside)) {
    for (let from = 0; from < level.length && !mover.stopped; from += BATCH) {
      await mover.carryAll(level.slice(from, from + BATCH));
    }
    // The next level takes the places that this one leaves.
    await mover.finished();
  }
  await mover.settleAlbums();
  return mover.moved;
}

class Mover {
  readonly #x: MoveOptions;
  readonly #places = new Map<string, { key: string; etag: string }>();
  readonly #blocked = new Set<string>();

  /** Albums whose first photo has not arrived yet. */
  #albums: readonly AlbumMove[];
  readonly #albumsMoved: string[] = [];
  /** The batch before the one that is copied now. */
  #finishing: Promise<void> = Promise.resolve();
  /** The catalog is out of reach: nothing more is copied. */
  #broken = false;

  constructor(options: MoveOptions, albums: readonly AlbumMove[]) {
    this.#x = options;
    this.#albums = albums;
  }

  get moved(): Moved {
    return { places: this.#places, blocked: this.#blocked };
  }

  get stopped(): boolean {
    return this.#broken || this.#x.isStopped();
  }

  /**
   * Copies what these steps move, which do not depend on each other nor on the batch before them, and has the catalog told of
   * it once it knows of that one. Returns when the next batch may be copied.
   */
  async carryAll(steps: readonly Step[]): Promise<void> {
    const carried: { step: Step; change: Carried }[] = [];
    const { sides, concurrency, signal } = this.#x;
    const places = new PlacesAsPlanned(
      sides.disk,
      steps.map(({ move }) => move),
      concurrency,
      signal,
    );
    const one = async (step: Step, index: number) => {
      const change = await this.#carry(step, () => places.assert(index));
      if (change !== null) carried.push({ step, change });
    };
    try {
      await pMap(steps, one, { concurrency });
    } finally {
      await this.#finishing;
    }
    this.#finishing = this.#finish(carried);
    this.#finishing.catch(() => {
      this.#broken = true;
    });
  }

  /** Everything that was copied is recorded, and its old objects are gone. Throws when the catalog is out of reach. */
  finished(): Promise<void> {
    return this.#finishing;
  }

  async #finish(carried: readonly { step: Step; change: Carried }[]): Promise<void> {
    if (this.#x.signal.aborted) return;
    await this.#moveAlbums(carried);
    const recorded = await this.#record(carried);
    await this.#removeOld(recorded);
    for (const { step, change } of recorded) await this.#ended(step, change);
  }

  /** What did not follow its album, because it failed or was orphaned before, is in its folder's album again. */
  async settleAlbums(): Promise<void> {
    if (this.#albumsMoved.length === 0) return;
    await this.#x.sides.catalog.settleAlbums(this.#x.library, this.#albumsMoved);
  }

  /**
   * An album goes right before the first of its photos that has arrived, and with it those whose places are exchanged: where
   * no photo can arrive, it stays what it is.
   */
  async #moveAlbums(carried: readonly { change: Carried }[]): Promise<void> {
    const { library, sides } = this.#x;
    const arrived = carried.filter(({ change }) => !change.row.aside);
    const paths = new Set(arrived.map(({ change }) => albumOf(change.row.key, library)));
    const due: AlbumMove[] = [];
    for (let found = true; found; ) {
      const next = this.#albums.filter(({ path }) => paths.has(path));
      this.#albums = this.#albums.filter((album) => !next.includes(album));
      due.push(...next);
      // Whoever is at the path that one of these takes has to make room.
      const taken = new Set(due.map(({ path }) => path));
      for (const { from, path } of this.#albums) if (from !== undefined && taken.has(from)) paths.add(path);
      found = next.length > 0;
    }
    if (due.length === 0) return;
    this.#albumsMoved.push(...due.map(({ id }) => id));
    await sides.catalog.moveAlbums(library, due);
  }

  /** The old objects of moves that were recorded by an earlier run. */
  async tidyAll(leftovers: readonly LeftoverAction[]): Promise<void> {
    const one = async (action: LeftoverAction) => {
      if (this.#x.isStopped()) return;
      const result = await this.#tidy(action).catch(asRollcallError);
      if (result === 'deleted')
        await this.#x.sides.catalog.apply(this.#x.library, [{ kind: 'tidied', key: action.key }]);
      await this.#x.onTidied(action, result);
    };
    await pMap(leftovers, one, { concurrency: this.#x.concurrency });
  }

  /** Only once the photo's own object is seen to be there. */
  async #tidy({ key, object, photo }: LeftoverAction): Promise<'deleted' | 'kept'> {
    const { bucket } = this.#x.sides;
    const own = await bucket.head(photo.key, this.#x.signal);
    if (own?.etag !== photo.etag) return 'kept';
    await bucket.remove(key, object.etag, this.#x.signal);
    return 'deleted';
  }

  async #carry({ move, step }: Step, assertAsPlanned: () => Promise<void>): Promise<Carried | null> {
    if (this.stopped) return this.#stays(move, null);
    const aside = this.#places.get(move.row.id);
    if (this.#blocked.has(move.key) || (step === 'finish' && aside === undefined)) {
      return this.#stays(move, { outcome: 'unstable', message: 'the photo that had this name has not moved away' });
    }
    try {
      await assertAsPlanned();
      return await carry(this.#x, move, step, aside ?? null);
    } catch (thrown) {
      const error = asRollcallError(thrown);
      if (error.code === 'CANCELLED') return this.#stays(move, null);
      const moved = MOVED_ON.has(error.code);
      return this.#stays(move, moved ? { outcome: 'unstable', message: error.message } : { outcome: 'failed', error });
    }
  }

  async #stays(move: MoveAction, result: MoveResult | null): Promise<null> {
    this.#blocked.add(move.from.key);
    if (result !== null) await this.#x.onMoved(move, result);
    return null;
  }

  /** All of them in one transaction; if the catalog refuses, those that it takes. */
  async #record(
    carried: readonly { step: Step; change: Carried }[],
  ): Promise<readonly { step: Step; change: Carried }[]> {
    if (carried.length === 0) return [];
    const { catalog } = this.#x.sides;
    try {
      await catalog.apply(
        this.#x.library,
        carried.map(({ change }) => change.row),
      );
      return carried;
    } catch (thrown) {
      const error = asRollcallError(thrown);
      if (error.code.startsWith('DATABASE_')) throw error;
      const [only] = carried;
      if (carried.length === 1 && only) {
        await this.#stays(only.step.move, { outcome: 'failed', error });
        return [];
      }
      const half = Math.ceil(carried.length / 2);
      return [...(await this.#record(carried.slice(0, half))), ...(await this.#record(carried.slice(half)))];
    }
  }

  async #removeOld(recorded: readonly { step: Step; change: Carried }[]): Promise<void> {
    if (recorded.length === 0 || this.#x.signal.aborted) return;
    const { bucket, catalog } = this.#x.sides;
    const old = recorded.map(({ change }) => change.row.from);
    const removed = await bucket.removeMany(old, this.#x.signal);
    const tidied: RowChange[] = [];
    for (const { step, change } of recorded) {
      const result = removed.get(change.row.from.key);
      // What has changed is somebody else's by now.
      if (result === 'deleted' || result === 'changed') tidied.push({ kind: 'tidied', key: change.row.from.key });
      if (result === 'deleted') continue;
      this.#blocked.add(step.move.from.key);
      if (result !== undefined && result !== 'changed') this.#x.onLeft(step.move, result);
    }
    if (tidied.length > 0) await catalog.apply(this.#x.library, tidied);
  }

  async #ended({ move, step }: Step, { row, bytes }: Carried): Promise<void> {
    if (move.edited && step !== 'aside') this.#places.delete(row.id);
    else this.#places.set(row.id, { key: row.key, etag: row.etag });
    if (step !== 'aside') await this.#x.onMoved(move, { outcome: 'moved', bytes });
  }
}

/** What went wrong because the world moved on: the next run simply looks again. */
const MOVED_ON = new Set(['FILE_UNSTABLE', 'FILE_GONE', 'OBJECT_MISSING']);

function albumOf(key: string, { prefix }: Library): string {
  const end = key.lastIndexOf('/');
  return end < prefix.length ? '.' : key.slice(prefix.length, end);
}
