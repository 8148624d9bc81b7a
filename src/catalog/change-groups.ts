/** Which changes can be written together: pure. */
import type { RowChange } from '../sync/catalog-port.ts';

/** In what order the kinds of a group are written. */
const TURN: Readonly<Record<RowChange['kind'], number>> = {
  moved: 0,
  agreed: 1,
  unsettled: 1,
  state: 2,
  refreshed: 2,
  deleting: 2,
  deleted: 2,
  tidied: 3,
};

/**
 * The changes in groups that come to the same whether they are written one by one or kind by kind; as a rule one group.
 * Moves stay together although one takes the key that another leaves: one by one, a circle of them could not be written
 * at all. `keys` says which key an id stands for before the first change.
 */
export function* independentGroups(
  changes: readonly RowChange[],
  keys: ReadonlyMap<string, string>,
): Generator<readonly RowChange[]> {
  const keysNow = new Map(keys);
  let group: RowChange[] = [];
  let turns = new Map<string, number>();
  for (const change of changes) {
    const turn = TURN[change.kind];
    const touched = touchedBy(change, keysNow);
    const alone = aloneFor(change);
    const tooLate = touched.some((name) => (turns.get(name) ?? -1) >= Math.max(turn, 1));
    if (tooLate || alone.some((name) => turns.has(name))) {
      yield group;
      group = [];
      turns = new Map();
    }
    for (const name of [...touched, ...alone]) turns.set(name, turn);
    group.push(change);
    if (change.kind === 'moved') keysNow.set(change.id, change.key);
  }
  yield group;
}

/** The rows, by id and key, and the leftovers that a change concerns. */
function touchedBy(change: RowChange, keys: ReadonlyMap<string, string>): readonly string[] {
  if (change.kind === 'tidied') return [leftover(change.key)];
  if (change.kind === 'agreed' || change.kind === 'unsettled') return [change.key];
  const key = keys.get(change.id) ?? change.id;
  if (change.kind !== 'moved') return [change.id, key];
  return [change.id, key, change.from.key, change.key, leftover(change.from.key)];
}

/** What no two moves of a group may share: their photo, where it comes from, where it goes. No key has a NUL. */
function aloneFor(change: RowChange): readonly string[] {
  return change.kind === 'moved' ? [`\0of ${change.id}`, `\0from ${change.from.key}`, `\0to ${change.key}`] : [];
}

function leftover(key: string): string {
  return `\0left ${key}`;
}
