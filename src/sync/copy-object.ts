/** A copy on the server in place of an upload: the bucket holds the very bytes of a file under another name. */
import { asRollcallError } from '../errors.ts';
import type { CopyAction } from './actions.ts';
import type { UploadMemory } from './bucket-port.ts';
import type { RowChange } from './catalog-port.ts';
import { contentTypeOf } from './content-type.ts';
import type { Moved } from './execute-moves.ts';
import type { Sides } from './inventory.ts';
import type { TransferAction } from './transfer.ts';

/** What came of it; `upload`: it cannot be copied, so the bytes have to be sent. */
export type Copied =
  | { readonly outcome: 'copied'; readonly change: RowChange }
  | { readonly outcome: 'upload'; readonly instead: TransferAction };

/** The copy is not to be had: its source is gone, another one by now, archived, or not ours to copy. */
const NO_SOURCE = new Set([
  'OBJECT_MISSING',
  'OBJECT_PRECONDITION',
  'OBJECT_ARCHIVED',
  'OBJECT_DENIED',
  'OBJECT_REJECTED',
]);

/** Copies the version of the source that is on record. FILE_UNSTABLE when the file is another by now. */
export async function copyInstead(
  { disk, bucket }: Sides,
  action: CopyAction,
  { places }: Moved,
  memory: UploadMemory,
  signal: AbortSignal,
): Promise<Copied> {
  const { key, path, local, md5, from, object } = action;
  const file = await disk.open(path, local, signal);
  await file.close();
  const { contentType, kind } = contentTypeOf(path);
  try {
    const copied = await bucket.copy(
      {
        from: { ...from, storageClass: 'STANDARD', ...places.get(from.id) },
        to: key,
        condition: object === undefined ? { absent: true } : { etag: object.etag },
        md5,
        partSize: from.partSize,
        as: { contentType, mtimeNs: local.mtimeNs },
        memory,
      },
      signal,
    );
    const { etag, partSize, storageClass } = copied;
    const facts = { path, key, local, md5, etag, partSize, storageClass, contentType, photoKind: kind };
    return { outcome: 'copied', change: { kind: 'agreed', ...facts, verified: true } };
  } catch (thrown) {
    if (!NO_SOURCE.has(asRollcallError(thrown).code)) throw thrown;
    return { outcome: 'upload', instead: uploadOf(action) };
  }
}

function uploadOf({ key, path, reason, local, row, object }: CopyAction): TransferAction {
  const base = { key, path, reason, local, ...(row && { row }) };
  return object === undefined ? { ...base, kind: 'upload' } : { ...base, kind: 'reupload', object };
}
