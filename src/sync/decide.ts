/** From a finding and a policy to the one action it asks for (DESIGN 2, 3): pure. */
import type { Classified } from './classify.ts';
import type {
  Action,
  CatalogRow,
  FileFacts,
  LocalFile,
  ObjectFacts,
  PhotoState,
  Policy,
  ReportAction,
  RowFacts,
  SyncSettings,
  Triple,
} from './types.ts';

/** What a decision depends on beside the photo itself. */
export interface Rules {
  readonly policy: Policy;
  readonly settings: Pick<SyncSettings, 'stableSeconds' | 'orphanGraceDays'>;
  readonly nowMs: number;
}

const MS_A_DAY = 86_400_000;

/** The action for a photo, or null when there is nothing to do. */
export function decide(triple: Triple, classified: Classified, rules: Rules): Action | null {
  if (classified.finding === 'leave' || classified.finding === 'untracked') return null;
  if (triple.local === undefined) return triple.row ? decideGone(triple, triple.row, classified, rules) : null;
  return decideFile(triple, triple.local, classified, rules);
}

function decideFile(triple: Triple, local: LocalFile, { finding }: Classified, rules: Rules): Action | null {
  if (local.twins !== undefined) return collision(triple, local);
  if (finding === 'in agreement') return refresh(triple, local);
  if (isUnstable(local, rules)) {
    return report(
      triple,
      local,
      'unstable',
      'FILE_UNSTABLE',
      `changed less than ${rules.settings.stableSeconds} s ago`,
    );
  }
  const base = actionBase(triple, local);
  const { overwrite } = rules.policy;
  switch (finding) {
    case 'upload':
      return { ...base, kind: 'upload', reason: 'new' };
    case 'bring back':
      return { ...base, kind: 'reupload', reason: 'missing from the bucket' };
    case 'adopt':
      return adopt(triple, local, rules);
    case 'incomplete':
      return overwrite === 'never'
        ? conflict(triple, local, 'the object is shorter than the file; overwrite is never')
        : replace(triple, local, 'the object is shorter than the file');
    case 'edited':
      return overwrite === 'never'
        ? conflict(triple, local, 'changed on disk; overwrite is never')
        : replace(triple, local, 'changed on disk');
    case 'differs':
      return overwrite === 'source'
        ? replace(triple, local, 'differs from the bucket')
        : conflict(triple, local, 'the bucket holds another version, not one recorded as ours');
    case 'both changed':
      return overwrite === 'source'
        ? replace(triple, local, 'changed on disk and in the bucket')
        : conflict(triple, local, 'changed on disk and in the bucket since they last agreed');
    default:
      return null;
  }
}

function decideGone(triple: Triple, row: CatalogRow, { finding }: Classified, rules: Rules): Action | null {
  const base = { key: row.key, path: row.path, row: rowFacts(row) };
  if (finding === 'lost') {
    if (row.deleting) return { ...base, kind: 'delete', reason: 'its object was deleted at your request' };
    if (row.state === 'lost') {
      return { ...base, kind: 'report', what: 'lost', code: 'LOST', reason: 'gone from disk and bucket' };
    }
    return { ...base, kind: 'mark', state: 'lost', reason: 'gone from disk and bucket' };
  }
  if (finding === 'orphan' && triple.object && mayDelete(row, rules)) {
    return { ...base, kind: 'delete', object: objectFacts(triple.object), reason: 'gone from disk' };
  }
  if (row.state === 'orphaned' && !row.deleting) return null;
  return { ...base, kind: 'mark', state: 'orphaned', reason: 'gone from disk; its object is kept' };
}

function mayDelete(row: CatalogRow, { policy, settings, nowMs }: Rules): boolean {
  if (policy.orphans !== 'delete') return false;
  if (policy.deleteNow) return true;
  return row.orphanedAtMs !== null && nowMs - row.orphanedAtMs >= settings.orphanGraceDays * MS_A_DAY;
}

/** A file modified in the last moments may still be being written. One dated in the future is not taken for that. */
function isUnstable(local: LocalFile, { settings, nowMs }: Rules): boolean {
  const ageMs = nowMs - Number(local.mtimeNs / 1_000_000n);
  return ageMs >= 0 && ageMs < settings.stableSeconds * 1_000;
}

/** The same size under an ETag that is not on record: the contents decide, without reading them if the row can. */
function adopt(triple: Triple, local: LocalFile, { policy }: Rules): Action | null {
  const { row, object } = triple;
  if (object === undefined) return null;
  const unchanged = row !== undefined && row.size === local.size && row.mtimeNs === local.mtimeNs;
  if (unchanged && row.md5 !== null && row.md5 === object.etag) {
    const change = { state: 'synced', object: objectFacts(object), local: fileFacts(local) } as const;
    return { ...keyAndPath(local), kind: 'update', row: rowFacts(row), change, reason: 'same bytes under a new ETag' };
  }
  return {
    ...actionBase(triple, local),
    kind: 'adopt',
    object: objectFacts(object),
    otherwise: policy.overwrite === 'source' ? 'replace' : 'conflict',
    reason: 'the bucket has one of this size',
  };
}

/** A photo in agreement whose row is behind in something else: its state, its inode after a move of the disk. */
function refresh({ row }: Triple, local: LocalFile): Action | null {
  if (row === undefined) return null;
  const settled = row.state === 'synced' && !row.deleting;
  const placed = row.device === local.device && row.inode === local.inode;
  const spelled = row.path === local.path;
  if (settled && placed && spelled) return null;
  const change: { state?: PhotoState; local?: FileFacts; path?: string } = {};
  if (!settled) change.state = 'synced';
  if (!placed) change.local = fileFacts(local);
  if (!spelled) change.path = local.path;
  const reason = settled ? 'its row is behind' : `in agreement again, was ${row.state}`;
  return { ...keyAndPath(local), kind: 'update', row: rowFacts(row), change, reason };
}

function replace(triple: Triple, local: LocalFile, reason: string): Action {
  const object = triple.object && { object: objectFacts(triple.object) };
  return { ...actionBase(triple, local), ...object, kind: 'reupload', reason };
}

function conflict(triple: Triple, local: LocalFile, reason: string): ReportAction {
  return report(triple, local, 'conflict', 'CONFLICT', reason);
}

function collision(triple: Triple, local: LocalFile): ReportAction {
  const names = [local.path, ...(local.twins ?? [])].map((name) => JSON.stringify(name)).join(' and ');
  return report(triple, local, 'conflict', 'NAME_COLLISION', `${names} would be one key in the bucket; rename one`);
}

function report(
  triple: Triple,
  local: LocalFile,
  what: ReportAction['what'],
  code: ReportAction['code'],
  reason: string,
): ReportAction {
  return { ...actionBase(triple, local), kind: 'report', what, code, reason };
}

function actionBase({ row }: Triple, local: LocalFile) {
  return { ...keyAndPath(local), local: fileFacts(local), ...(row && { row: rowFacts(row) }) };
}

function keyAndPath({ key, path }: LocalFile) {
  return { key, path };
}

function fileFacts({ size, mtimeNs, device, inode }: LocalFile): FileFacts {
  return { size, mtimeNs, device, inode };
}

function rowFacts({ id, size, mtimeNs, md5, etag, partSize, state }: CatalogRow): RowFacts {
  return { id, size, mtimeNs, md5, etag, partSize, state };
}

function objectFacts({ size, etag }: ObjectFacts): ObjectFacts {
  return { size, etag };
}
