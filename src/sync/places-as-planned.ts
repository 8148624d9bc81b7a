/** Whether the files of renames are where the plan has them, just before each is carried out. */
import { RollcallError } from '../errors.ts';
import type { MoveAction } from './actions.ts';
import { sameInode } from './moves.ts';
import type { DiskPort, Looked } from './ports.ts';
import type { FileFacts } from './types.ts';

/** Older looks tell nothing: between two renames of a group, one of gigabytes may have been copied. */
const FRESH_MS = 1_000;

/** What is at the two places of a rename. */
interface Seen {
  readonly now: Looked;
  readonly old: Looked;
}

/**
 * Looks at the files of as many renames at once as are carried out at once, when the first of them is due: one by one, the
 * folders of an album, which are the same for all of its photos, were most of what was looked at.
 */
export class PlacesAsPlanned {
  readonly #disk: DiskPort;
  readonly #moves: readonly MoveAction[];
  readonly #together: number;
  readonly #signal: AbortSignal;
  readonly #groups = new Map<number, { readonly atMs: number; readonly seen: Promise<readonly Seen[]> }>();

  constructor(disk: DiskPort, moves: readonly MoveAction[], together: number, signal: AbortSignal) {
    this.#disk = disk;
    this.#moves = moves;
    this.#together = together;
    this.#signal = signal;
  }

  /** FILE_UNSTABLE unless this file is the one that was planned for, and gone from its old path. */
  async assert(index: number): Promise<void> {
    const move = this.#moves[index];
    if (move === undefined) throw new Error(`there is no rename ${index}`);
    const first = index - (index % this.#together);
    let group = this.#groups.get(first);
    if (group === undefined) {
      group = { atMs: performance.now(), seen: this.#look(this.#moves.slice(first, first + this.#together)) };
      this.#groups.set(first, group);
    }
    const together = (await group.seen)[index - first];
    const isFresh = performance.now() - group.atMs < FRESH_MS;
    const [seen] = isFresh ? [together] : await this.#look([move]);
    if (seen === undefined) throw new Error(`nobody looked at rename ${index}`);
    assertAsPlanned(move, seen);
  }

  async #look(moves: readonly MoveAction[]): Promise<readonly Seen[]> {
    const paths = [...moves.map(({ path }) => path), ...moves.map(({ from }) => from.path)];
    const looked = await this.#disk.statAll(paths, this.#signal);
    return moves.map((_, index) => ({ now: looked[index] ?? null, old: looked[index + moves.length] ?? null }));
  }
}

function assertAsPlanned(move: MoveAction, seen: Seen): void {
  const now = factsOf(seen.now);
  if (now === null || !isVersion(now, move.local)) throw unstable(move.path, 'it has changed or moved on');
  const old = factsOf(seen.old);
  if (old === null || (move.replacedBy && isVersion(old, move.replacedBy))) return;
  const caseOnly = sameInode(old, move.local) && sameButCase(move.from.path, move.path);
  if (!caseOnly) throw unstable(move.path, `another file is at ${move.from.path} by now`);
}

function factsOf(looked: Looked): FileFacts | null {
  if (looked instanceof RollcallError) throw looked;
  return looked;
}

/** On a disk that does not tell cases apart, the old name still finds the file. */
function sameButCase(a: string, b: string): boolean {
  return a.normalize('NFC').toLowerCase() === b.normalize('NFC').toLowerCase();
}

function isVersion(now: FileFacts, planned: FileFacts): boolean {
  return now.size === planned.size && now.mtimeNs === planned.mtimeNs && sameInode(now, planned);
}

function unstable(path: string, why: string): RollcallError {
  return new RollcallError('FILE_UNSTABLE', `${path}: ${why}`);
}
