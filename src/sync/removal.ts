/** Whether the object of a photo may be removed while its file stays (DESIGN 7: remove): pure. */

import type { Action } from './actions.ts';
import { fileFacts, keyAndPath, objectFacts, rowFacts } from './make-action.ts';
import type { BucketObject, CatalogRow, Triple } from './types.ts';

/**
 * A delete only of the object on record, and only where the file is there as recorded. Anything else might be the only
 * copy of something: a conflict that says why. Null: there is no object.
 */
export function decideRemoval({ key, local, row, object }: Triple): Action | null {
  if (object === undefined) return null;
  const path = local?.path ?? row?.path ?? key;
  if (local?.twins !== undefined) return refusal(key, path, 'several files have this name in the bucket');
  if (local === undefined) return refusal(key, path, 'its file is not on disk, so its object may be the only copy');
  if (row === undefined || !isRecorded(row, object)) {
    return refusal(key, path, 'its object is not the one on record, so it may be the only copy of something');
  }
  if (local.size !== row.size || local.mtimeNs !== row.mtimeNs) {
    return refusal(key, path, 'its file has changed since it was synced, so its object may be the only copy');
  }
  return {
    ...keyAndPath(local),
    kind: 'delete',
    local: fileFacts(local),
    row: rowFacts(row),
    object: objectFacts(object),
    reason: 'removed on request; its file stays',
  };
}

function isRecorded(row: CatalogRow, object: BucketObject): boolean {
  return row.etag !== null && row.etag === object.etag && row.size === object.size;
}

/** Without the file's facts, so that the row stays as it is. */
function refusal(key: string, path: string, reason: string): Action {
  return { key, path, kind: 'report', what: 'conflict', code: 'CONFLICT', reason };
}
