/** Brings one object to disk: verified before it is visible, and never over anything but what the plan saw. */
import { RollcallError } from '../errors.ts';
import type { DownloadAction } from './actions.ts';
import type { BucketPort } from './bucket-port.ts';
import type { RowChange } from './catalog-port.ts';
import { contentTypeOf } from './content-type.ts';
import type { DiskPort } from './ports.ts';

/**
 * Downloads the version that the plan saw and answers what is to be recorded. FILE_EXISTS or FILE_UNSTABLE when the
 * place on disk is not as it was planned, OBJECT_* when the object cannot be read or is not what the bucket says.
 */
export async function download(
  sides: { readonly disk: DiskPort; readonly bucket: BucketPort },
  action: DownloadAction,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<RowChange> {
  const incoming = await sides.disk.receive(action.path, action.local ?? null, signal);
  try {
    await incoming.assertRoom(action.object.size);
    const object = { key: action.key, ...action.object };
    const recorded = action.row?.etag === action.object.etag ? action.row.partSize : null;
    const sink = async (chunk: Uint8Array) => {
      await incoming.write(chunk);
      onBytes(chunk.byteLength);
    };
    const fetched = await sides.bucket.fetch(object, recorded, sink, signal);
    const known = action.row?.etag === action.object.etag ? action.row.md5 : null;
    if (known !== null && known !== fetched.md5) {
      const message = `${action.key} came with other content than was recorded of it; nothing was put in place`;
      throw new RollcallError('OBJECT_UNVERIFIED', message);
    }
    const placed = await incoming.commit(fetched.mtimeNs);
    const { contentType, kind } = contentTypeOf(action.path);
    return {
      kind: 'agreed',
      path: placed.path,
      key: action.key,
      local: placed.facts,
      md5: fetched.md5,
      etag: action.object.etag,
      partSize: fetched.partSize,
      storageClass: fetched.storageClass,
      contentType,
      photoKind: kind,
      verified: true,
    };
  } finally {
    await incoming.discard();
  }
}
