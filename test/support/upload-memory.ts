/** An upload's memory for tests of the bucket alone: what the catalog keeps in tables is kept in this process. */
import type { ConfirmedPart, RememberedUpload, UploadMemory } from '../../src/sync/bucket-port.ts';

export interface TestMemory extends UploadMemory {
  /** What is remembered now, newest first. */
  readonly uploads: readonly (Omit<RememberedUpload, 'sameVersion'> & { readonly parts: ConfirmedPart[] })[];
  /** Answers of `recall` and `isOurs`, to be set by a test. */
  sameVersion: boolean;
  ours: boolean;
}

export function testMemory(): TestMemory {
  const uploads: TestMemory['uploads'][number][] = [];
  const indexOf = (uploadId: string) => uploads.findIndex((upload) => upload.uploadId === uploadId);
  return {
    uploads,
    sameVersion: true,
    ours: true,
    async recall() {
      return uploads.map((upload) => ({ ...upload, sameVersion: this.sameVersion }));
    },
    async begun(upload) {
      uploads.unshift({ ...upload, parts: [] });
    },
    async confirmed(uploadId, part) {
      uploads[indexOf(uploadId)]?.parts.push(part);
    },
    async isOurs() {
      return this.ours;
    },
    async forget(uploadId) {
      if (indexOf(uploadId) >= 0) uploads.splice(indexOf(uploadId), 1);
    },
  };
}
