/** What the renames of a survey change in its plan: moves, copies and waits instead of uploads, marks and downloads. */
import type { Action, CopyAction, MoveAction, ReuploadAction, UploadAction, WaitAction } from './actions.ts';
import type { CatalogPort } from './catalog-port.ts';
import { isArchived } from './classify.ts';
import { fileFacts, objectFacts, rowFacts, storedFacts } from './make-action.ts';
import { asidePlace, orderMoves, type Pair } from './moves.ts';
import type { CatalogRow, Library } from './types.ts';

/** The moves in the order in which they are carried out; circles get their temporary keys. */
export function moveActions(pairs: readonly Pair[]): MoveAction[] {
  const levels = orderMoves(pairs.map(moveAction), stepAside);
  const moves = levels.flat().filter(({ step }) => step !== 'finish');
  return moves.map(({ move }) => move);
}

/** A move of a circle, by way of a temporary key. */
export function stepAside(move: MoveAction): MoveAction {
  return { ...move, via: asidePlace(move, move.row.id).key };
}

function moveAction({ departure, arrival, edited }: Pair): MoveAction {
  const { row, object, lost } = departure;
  const { local } = arrival;
  const there = departure.found.triple.local;
  const target = arrival.occupant === undefined && arrival.object && { target: objectFacts(arrival.object) };
  return {
    kind: 'move',
    key: local.key,
    path: local.path,
    reason: `was ${row.path}${lost ? ', whose object is gone' : edited ? ', and has changed' : ''}`,
    from: { key: row.key, path: row.path },
    row: rowFacts(row),
    local: fileFacts(local),
    object: storedFacts(object),
    ...(there && { replacedBy: fileFacts(there) }),
    ...target,
    ...(edited && { edited: true }),
  };
}

/** A rename that has to wait: its object is archived, or the one that is where it goes. */
export function waitForMove({ departure: { row, object }, arrival: { local } }: Pair): WaitAction {
  return {
    kind: 'wait',
    what: 'move',
    key: row.key,
    path: row.path,
    reason: `its object must be restored from ${object.storageClass} before it can become ${local.path}`,
    object: storedFacts(object),
    row: rowFacts(row),
    to: { key: local.key, path: local.path },
  };
}

/** A move whose object turned out to be archived. */
export function waitingMove({ row, object, from, key, path }: MoveAction): WaitAction {
  const storageClass = isArchived(object) ? object.storageClass : 'GLACIER';
  return {
    kind: 'wait',
    what: 'move',
    ...from,
    reason: `its object must be restored from ${storageClass} before it can become ${path}`,
    object: { ...object, storageClass },
    row,
    to: { key, path },
  };
}

/** A download that has to wait. */
export function waitForDownload(action: Extract<Action, { kind: 'download' }>, storageClass: string): WaitAction {
  const { key, path, object, row } = action;
  return {
    kind: 'wait',
    what: 'download',
    key,
    path,
    reason: `its object must be restored from ${storageClass} before it can be read`,
    object: { ...object, storageClass },
    ...(row && { row }),
  };
}

/** What sends a file's bytes. */
export type Upload = UploadAction | ReuploadAction;

/** Copies on the server in place of uploads whose bytes the library's bucket holds under another name. */
export async function copiesFor(
  uploads: readonly Upload[],
  md5s: ReadonlyMap<string, string>,
  { catalog, library, signal }: { catalog: CatalogPort; library: Library; signal: AbortSignal },
): Promise<ReadonlyMap<string, CopyAction>> {
  const wanted = uploads.flatMap((action) => {
    const md5 = md5s.get(action.key);
    return md5 === undefined || action.local.size === 0 || !mayCopy(action)
      ? []
      : [{ action, md5, size: action.local.size }];
  });
  if (wanted.length === 0) return new Map();
  const rows = await catalog.rowsWithContent(library, wanted, signal);
  const sources = new Map(rows.map((row) => [`${row.size}:${row.md5}`, row]));
  const copies = new Map<string, CopyAction>();
  for (const { action, md5, size } of wanted) {
    const source = sources.get(`${size}:${md5}`);
    if (source === undefined || source.id === action.row?.id) continue;
    const copy = copyAction(action, md5, source);
    if (copy !== null) copies.set(action.key, copy);
  }
  return copies;
}

/** What is missing is brought back as it was, and an object that may be somebody's edit is looked at first. */
function mayCopy(action: Upload): boolean {
  return action.kind === 'upload' || (action.object !== undefined && !action.unlessOther && !action.damaged);
}

function copyAction(action: Upload, md5: string, source: CatalogRow): CopyAction | null {
  const { key, path, local, row } = action;
  const { id, size, partSize, etag } = source;
  if (etag === null) return null;
  return {
    kind: 'copy',
    key,
    path,
    reason: `same bytes as ${source.path}`,
    local,
    md5,
    from: { id, key: source.key, size, partSize, etag },
    ...(row && { row }),
    ...(action.kind === 'reupload' && action.object && { object: action.object }),
  };
}
