/** Rows as a sync would leave them, made without a sync: for libraries too large to upload. */
import { createHash } from 'node:crypto';
import type { Catalog } from '../../src/catalog/open.ts';
import { openDisk } from '../../src/disk/disk.ts';
import type { RowChange } from '../../src/sync/catalog-port.ts';
import type { FileFacts, Library } from '../../src/sync/types.ts';
import { photoPath } from './photo-files.ts';

const SOME_DEVICE = 2049n;

/** The ETag that a synthetic bucket and the rows agree on. */
export function syntheticEtag(key: string): string {
  return createHash('md5').update(key).digest('hex');
}

/** An agreement about a photo that is nowhere. */
export function agreedChange(prefix: string, index: number): RowChange {
  const mtimeNs = 1_600_000_000_000_000_000n + BigInt(index) * 1_500_000n;
  return agreed(prefix, photoPath(index), { size: 14, mtimeNs, device: SOME_DEVICE, inode: BigInt(index + 1) });
}

/** Writes a row for each file that is under the library's root, as if the bucket held it too. */
export async function recordFiles(catalog: Catalog, library: Library, signal: AbortSignal): Promise<void> {
  const disk = openDisk(library);
  try {
    for await (const files of disk.walk(null, signal).batches) {
      await catalog.port.apply(
        library,
        files.map((file) => agreed(library.prefix, file.path, file)),
      );
    }
  } finally {
    await disk.close();
  }
}

function agreed(prefix: string, path: string, { size, mtimeNs, device, inode, birthNs }: FileFacts): RowChange {
  const etag = syntheticEtag(prefix + path);
  return {
    kind: 'agreed',
    path,
    key: prefix + path,
    local: { size, mtimeNs, device, inode, ...(birthNs !== undefined && { birthNs }) },
    md5: etag,
    etag,
    partSize: null,
    storageClass: 'STANDARD',
    contentType: 'image/jpeg',
    photoKind: 'image',
    verified: true,
  };
}
