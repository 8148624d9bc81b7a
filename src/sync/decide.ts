/** From a finding and a policy to the one action it asks for (DESIGN 2, 3): pure. */

import type { Action } from './actions.ts';
import type { Classified, Finding } from './classify.ts';
import {
  actionBase,
  adopt,
  collision,
  conflict,
  fetch,
  fileFacts,
  keyAndPath,
  objectFacts,
  replace,
  report,
  rowFacts,
} from './make-action.ts';
import { isAnotherFile, isAsRecorded, isUnstable, mayMend, mustCompare, type Rules, winnerOf } from './rules.ts';
import type { BucketObject, CatalogRow, FileFacts, LocalFile, PhotoState, Triple } from './types.ts';

const MS_A_DAY = 86_400_000;

/** The action for a photo, or null when there is nothing to do. */
export function decide(triple: Triple, { finding }: Classified, rules: Rules): Action | null {
  const { local, row, object } = triple;
  if (local === undefined && row === undefined) return object ? decideUnknown(object, finding, rules) : null;
  if (finding === 'leave') return null;
  if (local !== undefined) return decideFile(triple, local, finding, rules);
  return row === undefined ? null : decideGone(triple, row, finding, rules);
}

function decideFile(triple: Triple, local: LocalFile, finding: Finding, rules: Rules): Action | null {
  if (local.twins !== undefined) return collision(triple, local);
  const mends = finding === 'in agreement' && mayMend(triple, rules);
  if (finding === 'in agreement' && !mends && !mustCompare(triple, local, rules)) return refresh(triple, local);
  if (isUnstable(local, rules)) {
    return report(
      triple,
      local,
      'unstable',
      'FILE_UNSTABLE',
      `changed less than ${rules.settings.stableSeconds} s ago`,
    );
  }
  if (mends) return { ...replace(triple, local, 'its object was found damaged'), damaged: true };
  const sends = rules.policy.direction !== 'down';
  switch (finding) {
    case 'upload':
      return sends ? { ...actionBase(triple, local), kind: 'upload', reason: 'new' } : null;
    case 'bring back':
      return sends
        ? { ...actionBase(triple, local), kind: 'reupload', reason: 'missing from the bucket' }
        : stays(triple);
    case 'in agreement':
    case 'adopt':
      return decideEqual(triple, local, finding, rules);
    default:
      return decideDiffering(triple, local, finding, rules);
  }
}

/** A sync that goes down brings nothing back to the bucket; but the row must not say that it is there. */
function stays({ row }: Triple): Action | null {
  if (row?.state !== 'synced') return null;
  const { key, path } = row;
  const reason = 'missing from the bucket; a sync that goes up brings it back';
  return { key, path, kind: 'update', row: rowFacts(row), change: { state: 'missing' }, reason };
}

/** The same size under an ETag that is not on record: the contents decide, without reading them if the row can. */
function decideEqual(triple: Triple, local: LocalFile, finding: Finding, rules: Rules): Action | null {
  const { row, object } = triple;
  if (object === undefined) return null;
  if (finding === 'adopt' && row?.md5 === object.etag && isAsRecorded(local, row)) {
    const change = { state: 'synced', object: objectFacts(object), local: fileFacts(local) } as const;
    return { ...keyAndPath(local), kind: 'update', row: rowFacts(row), change, reason: 'same bytes under a new ETag' };
  }
  // A tool that keeps dates, or a backup of a file that had rotted: only a person can tell which bytes are right.
  if (finding === 'in agreement' && row && isAnotherFile(row, local)) return adopt(triple, local, object, 'conflict');
  const winner = winnerOf(triple, local, ifContentsDiffer(finding, local, row), rules);
  return adopt(triple, local, object, winner === 'disk' ? 'replace' : winner === 'bucket' ? 'download' : 'conflict');
}

/** What an object of the file's size comes to if its content turns out to be another. */
function ifContentsDiffer(finding: Finding, local: LocalFile, row: CatalogRow | undefined): Finding {
  if (finding === 'in agreement') return 'edited';
  return row !== undefined && isAsRecorded(local, row) ? 'differs' : 'both changed';
}

const WHY: Partial<Record<Finding, string>> = {
  incomplete: 'the object is shorter than the file',
  edited: 'changed on disk',
  differs: 'the bucket holds another version',
  'both changed': 'changed on disk and in the bucket since they last agreed',
};

function decideDiffering(triple: Triple, local: LocalFile, finding: Finding, rules: Rules): Action | null {
  const why = WHY[finding];
  const { object } = triple;
  if (why === undefined || object === undefined) return null;
  const winner = winnerOf(triple, local, finding, rules);
  if (winner === 'disk') {
    const asks = finding === 'incomplete' && rules.policy.overwrite === 'known';
    return asks ? completed(triple, local, why, rules) : replace(triple, local, why);
  }
  // A file that was only touched has the bytes of the object still.
  if (object.size === local.size) return adopt(triple, local, object, winner === 'bucket' ? 'download' : 'conflict');
  if (winner === 'bucket') return fetch(object, local.path, why, triple.row, local);
  if (finding === 'incomplete' && editOf(triple, local, rules) === 'bucket') {
    return adopt(triple, local, object, 'download');
  }
  return conflict(triple, local, `${why}; overwrite is ${rules.policy.overwrite}`);
}

/** Who wins if a shorter object turns out to be an edit. */
function editOf(triple: Triple, local: LocalFile, rules: Rules): 'disk' | 'bucket' | null {
  return triple.row === undefined ? null : winnerOf(triple, local, 'differs', rules);
}

/**
 * A shorter object may be one that never became whole, or somebody's edit: only its content tells (docs/adr/0008). An
 * edit is fetched where the direction and the record allow it.
 */
function completed(triple: Triple, local: LocalFile, why: string, rules: Rules): Action {
  const unlessOther = editOf(triple, local, rules) === 'bucket' ? 'download' : 'conflict';
  return { ...replace(triple, local, why), unlessOther };
}

function decideGone(triple: Triple, row: CatalogRow, finding: Finding, rules: Rules): Action | null {
  const base = { key: row.key, path: row.path, row: rowFacts(row) };
  if (finding === 'lost') {
    if (row.deleting) return { ...base, kind: 'delete', reason: 'its object was deleted at your request' };
    if (row.state === 'lost' && rules.policy.orphans === 'delete' && rules.policy.deleteNow) {
      return { ...base, kind: 'delete', reason: 'lost, and told before; forgotten at your request' };
    }
    if (row.state === 'lost') {
      return { ...base, kind: 'report', what: 'lost', code: 'LOST', reason: 'gone from disk and bucket' };
    }
    return { ...base, kind: 'mark', state: 'lost', reason: 'gone from disk and bucket' };
  }
  if (triple.object === undefined) return null;
  if (finding === 'orphan' && mayDelete(row, rules)) {
    return { ...base, kind: 'delete', object: objectFacts(triple.object), reason: 'gone from disk' };
  }
  if (rules.policy.orphans === 'download') return fetch(triple.object, row.path, 'gone from disk', row);
  if (row.state === 'orphaned' && !row.deleting) return null;
  return { ...base, kind: 'mark', state: 'orphaned', reason: 'gone from disk; its object is kept' };
}

/** An object that neither disk nor catalog knows. One that can be no file is told, whatever the disk vouches for. */
function decideUnknown(object: BucketObject, finding: Finding, { policy, pathOf }: Rules): Action | null {
  if (policy.direction === 'up') return null;
  const place = pathOf(object.key);
  if ('path' in place) return finding === 'untracked' ? fetch(object, place.path, 'only in the bucket') : null;
  const reason = `this key can be no file here: ${place.fault}`;
  return { kind: 'report', what: 'conflict', code: 'NAME_INVALID', key: object.key, path: object.key, reason };
}

function mayDelete(row: CatalogRow, { policy, settings, nowMs }: Rules): boolean {
  if (policy.orphans !== 'delete') return false;
  if (policy.deleteNow) return true;
  return row.orphanedAtMs !== null && nowMs - row.orphanedAtMs >= settings.orphanGraceDays * MS_A_DAY;
}

/** Rows written before births were noted, or on a disk that did not tell them, learn them. */
function knowsBirth(row: CatalogRow, local: LocalFile): boolean {
  return local.birthNs === undefined || row.birthNs === local.birthNs;
}

/** A photo in agreement whose row is behind in something else: its state, its inode after a move of the disk. */
function refresh({ row }: Triple, local: LocalFile): Action | null {
  if (row === undefined) return null;
  const settled = row.state === 'synced' && !row.deleting;
  const placed = row.device === local.device && row.inode === local.inode && knowsBirth(row, local);
  const spelled = row.path === local.path;
  if (settled && placed && spelled) return null;
  const change: { state?: PhotoState; local?: FileFacts; path?: string } = {};
  if (!settled) change.state = 'synced';
  if (!placed) change.local = fileFacts(local);
  if (!spelled) change.path = local.path;
  const reason = settled ? 'its row is behind' : `in agreement again, was ${row.state}`;
  return { ...keyAndPath(local), kind: 'update', row: rowFacts(row), change, reason };
}
