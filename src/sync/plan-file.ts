/** A plan as a file: saved by `--plan-out`, run later by `rollcall apply`. */
import { z } from 'zod';
import { RollcallError } from '../errors.ts';
import type { Action, FormerPlace, RowFacts } from './actions.ts';
import type { AlbumMove, CatalogPort, Leftover } from './catalog-port.ts';
import { asidePlace } from './moves.ts';
import { albumPath, allowedKeys } from './scope.ts';
import type { CatalogRow, DeleteLimit, Library, Policy } from './types.ts';

/** A plan with all that is needed to run it later, or to refuse to. */
export interface SavedPlan {
  readonly version: 1;
  readonly createdAt: string;
  readonly library: { readonly id: string; readonly name: string; readonly bucket: string; readonly prefix: string };
  readonly album: string | null;
  readonly policy: Policy;
  /** Photos in scope when the plan was made: what MAX_DELETE is a share of. */
  readonly photosInScope: number;
  /** The limit that the plan was made under, and is run under. */
  readonly maxDelete: DeleteLimit;
  readonly actions: readonly Action[];
  readonly albums: readonly AlbumMove[];
}

const whole = z.int().nonnegative();
/** Nanoseconds, device and inode numbers are 64-bit: strings of digits in JSON. */
const big = z
  .string()
  .regex(/^-?\d{1,20}$/, 'must be a whole number in quotes')
  .transform(BigInt);
const state = z.enum(['pending', 'synced', 'missing', 'orphaned', 'lost', 'archived', 'conflict', 'failed']);
const local = z.strictObject({ size: whole, mtimeNs: big, device: big, inode: big, birthNs: big.optional() });
const object = z.strictObject({ size: whole, etag: z.string() });
const stored = z.strictObject({ size: whole, etag: z.string(), storageClass: z.string() });
const place = z.strictObject({ key: z.string().min(1), path: z.string().min(1) });
const row = z.strictObject({
  id: z.uuid(),
  size: whole,
  mtimeNs: big,
  md5: z.string().nullable(),
  etag: z.string().nullable(),
  partSize: whole.nullable(),
  state,
});
const base = { key: z.string().min(1), path: z.string().min(1), reason: z.string() };

const action = z.discriminatedUnion('kind', [
  z.strictObject({ ...base, kind: z.literal('upload'), local, row: row.optional() }),
  z.strictObject({
    ...base,
    kind: z.literal('reupload'),
    local,
    row: row.optional(),
    object: object.optional(),
    unlessOther: z.enum(['conflict', 'download']).optional(),
    damaged: z.literal(true).optional(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('adopt'),
    local,
    row: row.optional(),
    object,
    otherwise: z.enum(['conflict', 'replace', 'download']),
  }),
  z.strictObject({ ...base, kind: z.literal('download'), object, local: local.optional(), row: row.optional() }),
  z.strictObject({
    ...base,
    kind: z.literal('update'),
    row,
    change: z.strictObject({
      state: state.optional(),
      local: local.optional(),
      path: z.string().optional(),
      object: object.optional(),
    }),
  }),
  z.strictObject({ ...base, kind: z.literal('mark'), row, state: z.enum(['orphaned', 'lost']) }),
  z.strictObject({ ...base, kind: z.literal('delete'), row, object: object.optional() }),
  z.strictObject({
    ...base,
    kind: z.literal('move'),
    from: place,
    row,
    local,
    object: stored,
    replacedBy: local.optional(),
    target: object.optional(),
    edited: z.literal(true).optional(),
    via: z.string().optional(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('leftover'),
    object,
    photo: z.strictObject({ id: z.uuid(), key: z.string(), etag: z.string() }),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('copy'),
    local,
    md5: z.string(),
    row: row.optional(),
    object: object.optional(),
    from: z.strictObject({
      id: z.uuid(),
      key: z.string(),
      size: whole,
      partSize: whole.nullable(),
      etag: z.string(),
    }),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('wait'),
    what: z.enum(['move', 'download']),
    object: stored,
    row: row.optional(),
    to: place.optional(),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('report'),
    what: z.enum(['conflict', 'lost', 'unstable']),
    code: z.enum(['CONFLICT', 'NAME_COLLISION', 'NAME_INVALID', 'LOST', 'FILE_UNSTABLE']),
    local: local.optional(),
    row: row.optional(),
  }),
]);

const plan = z.strictObject({
  version: z.literal(1),
  createdAt: z.iso.datetime(),
  library: z.strictObject({ id: z.uuid(), name: z.string(), bucket: z.string(), prefix: z.string() }),
  album: z.string().nullable(),
  policy: z.strictObject({
    direction: z.enum(['up', 'down', 'both']),
    compare: z.enum(['existence', 'content']),
    overwrite: z.enum(['never', 'known', 'newer', 'source']),
    orphans: z.enum(['mark', 'download', 'delete']),
    deleteNow: z.boolean(),
    moves: z.union([z.boolean(), z.literal('only')]),
    dryRun: z.literal(false),
  }),
  photosInScope: whole,
  maxDelete: z.union([z.strictObject({ count: whole }), z.strictObject({ percent: whole.max(100) })]),
  actions: z.array(action),
  albums: z.array(z.strictObject({ id: z.uuid(), from: z.string().optional(), path: z.string().min(1) })),
});

/** Reads a saved plan. BAD_PLAN names the field that is wrong. */
export function readPlan(json: string): SavedPlan {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new RollcallError('BAD_PLAN', 'the plan is not JSON; it should be a file written by --plan-out', { cause });
  }
  return checkedPlan(value);
}

/** A plan from what JSON says, wherever it was kept. BAD_PLAN names the field that is wrong. */
export function checkedPlan(value: unknown): SavedPlan {
  const parsed = plan.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join('.') || 'the file';
    throw new RollcallError('BAD_PLAN', `the plan cannot be read: ${field}: ${issue?.message ?? 'wrong'}`, { field });
  }
  const read = parsed.data as SavedPlan;
  checkKeys(read);
  return read;
}

/** One step of a plan from what JSON says. BAD_PLAN. */
export function readStep(value: unknown): Action {
  const parsed = action.safeParse(value);
  if (parsed.success) return parsed.data as Action;
  throw new RollcallError('BAD_PLAN', 'a step of the plan cannot be read: it was kept by another version');
}

/** The plan as JSON text; 64-bit numbers as strings. */
export function printPlan(saved: SavedPlan): string {
  return `${JSON.stringify(saved, (_key, value) => (typeof value === 'bigint' ? value.toString() : value), 2)}\n`;
}

/** A plan may be edited by hand: whatever it says, it stays within its library and scope. */
function checkKeys({ library, album, actions, albums }: SavedPlan): void {
  const inScope = allowedKeys(library.prefix, album);
  const inLibrary = allowedKeys(library.prefix, null);
  const outside = actions.findIndex(
    (action) =>
      !placesOf(action).every(({ key, path }) => inScope(key, path)) ||
      !mentionedBy(action, library.prefix).every(({ key, path }) => inLibrary(key, path)) ||
      !isAsidePlanned(action),
  );
  if (outside >= 0) throw notOfLibrary(`actions.${outside}.key`);
  const astray = albums.findIndex(({ from, path }) => !isAlbum(path) || (from !== undefined && !isAlbum(from)));
  if (astray >= 0) throw notOfLibrary(`albums.${astray}.path`);
}

function notOfLibrary(field: string): RollcallError {
  return new RollcallError('BAD_PLAN', `the plan cannot be read: ${field}: does not lie in this library`, { field });
}

/** Every place whose object an action would write or remove. */
function placesOf(action: Action): readonly FormerPlace[] {
  return action.kind === 'move' ? [action, action.from] : [action];
}

/** Places that an action reads, or that a row would say of a photo afterwards. */
function mentionedBy(action: Action, prefix: string): readonly FormerPlace[] {
  const of = (key: string): FormerPlace => ({ key, path: key.slice(prefix.length) });
  switch (action.kind) {
    case 'update':
      return action.change.path === undefined ? [] : [{ key: action.key, path: action.change.path }];
    case 'copy':
      return [of(action.from.key)];
    case 'leftover':
      return [of(action.photo.key)];
    case 'wait':
      return action.to === undefined ? [] : [action.to];
    default:
      return [];
  }
}

function isAlbum(path: string): boolean {
  try {
    return albumPath(path) === path;
  } catch {
    return false;
  }
}

/** A temporary key is made of the new one: any other is none. */
function isAsidePlanned(action: Action): boolean {
  return action.kind !== 'move' || action.via === undefined || action.via === asidePlace(action, action.row.id).key;
}

/** The key of the row that an action is about. */
function rowKeyOf(action: Action): string {
  return action.kind === 'move' ? action.from.key : action.key;
}

function rowOf(action: Action): RowFacts | undefined {
  return action.kind === 'leftover' ? undefined : action.row;
}

/** Splits a plan's actions into those whose rows are still as the plan saw them, and those whose are not. */
export async function stillHolding(
  saved: SavedPlan,
  library: Library,
  catalog: CatalogPort,
  signal: AbortSignal,
): Promise<{ readonly fresh: readonly Action[]; readonly stale: readonly Action[] }> {
  const fresh: Action[] = [];
  const stale: Action[] = [];
  const leftovers = new Map((await catalog.leftovers(library, signal)).map((one) => [one.key, one]));
  const chunk = 1_000;
  // Where a photo moves away, its row is expected: another file has its name by then. Where it does not after all, it is not.
  const leaving = new Map(saved.actions.flatMap((one) => (one.kind === 'move' ? [[one.from.key, one.row.id]] : [])));
  const isMove = ({ kind }: Action) => kind === 'move';
  const movesFirst = [...saved.actions.filter(isMove), ...saved.actions.filter((one) => !isMove(one))];
  for (let from = 0; from < movesFirst.length; from += chunk) {
    const actions = movesFirst.slice(from, from + chunk);
    const keys = actions.flatMap((one) => [rowKeyOf(one), ...(one.kind === 'copy' ? [one.from.key] : [])]);
    const rows = new Map((await catalog.rowsByKey(library, keys, signal)).map((found) => [found.key, found]));
    for (const planned of actions) {
      const found = rows.get(rowKeyOf(planned));
      const leaves = planned.kind !== 'move' && found !== undefined && leaving.get(found.key) === found.id;
      const row = leaves ? undefined : found;
      const holds =
        sameRow(rowOf(planned), row) &&
        !sendsDamage(planned, row) &&
        sameLeftover(planned, leftovers.get(planned.key)) &&
        sameSource(planned, rows);
      if (planned.kind === 'move' && !holds) leaving.delete(planned.from.key);
      (holds ? fresh : stale).push(planned);
    }
  }
  return { fresh, stale };
}

/** The file was found damaged since the plan was made: it is not to go up over an object. */
function sendsDamage(action: Action, now: CatalogRow | undefined): boolean {
  const damaged = now?.damaged === 'disk' || now?.damaged === 'both';
  return damaged && (action.kind === 'adopt' || action.kind === 'reupload') && action.object !== undefined;
}

/** What a move has left behind is on record: a plan that says so of another object would delete one that nobody moved. */
function sameLeftover(action: Action, now: Leftover | undefined): boolean {
  if (action.kind !== 'leftover') return true;
  const { id, key, etag } = action.photo;
  return now?.etag === action.object.etag && now.photo.id === id && now.photo.key === key && now.photo.etag === etag;
}

/** A copy's source must be what the plan says it is, or the object would hold other bytes than its row tells. */
function sameSource(action: Action, rows: ReadonlyMap<string, CatalogRow>): boolean {
  if (action.kind !== 'copy') return true;
  const source = rows.get(action.from.key);
  const { id, size, etag } = action.from;
  return source?.id === id && source.size === size && source.etag === etag && source.md5 === action.md5;
}

function sameRow(planned: RowFacts | undefined, now: CatalogRow | undefined): boolean {
  if (planned === undefined || now === undefined) return planned === undefined && now === undefined;
  return (
    planned.id === now.id &&
    planned.size === now.size &&
    planned.mtimeNs === now.mtimeNs &&
    planned.md5 === now.md5 &&
    planned.etag === now.etag &&
    planned.partSize === now.partSize &&
    planned.state === now.state
  );
}
