/**
 * What the catalog remembers of uploads in parts, so that one that was cut off goes on from its finished parts, and one
 * that nobody goes on with is found and aborted (adr/0014).
 */
import { randomUUID } from 'node:crypto';
import { asRollcallError } from '../errors.ts';
import type { ConfirmedPart, RememberedUpload, UploadMemory } from './bucket-port.ts';
import type { Log } from './ports.ts';
import type { Library } from './types.ts';

/** An upload in parts that was begun, as the catalog has it. */
export interface RecordedUpload {
  readonly id: string;
  /** Null: the library was removed. */
  readonly libraryId: string | null;
  readonly key: string;
  /** As the server named it. */
  readonly uploadId: string;
  /** Bytes. */
  readonly partSize: number;
  readonly size: number;
  /** Of the file; null: a copy on the server, which cannot be gone on with. */
  readonly mtimeNs: bigint | null;
  /** What its metadata says of the content as a whole, if anything. */
  readonly md5: string | null;
  /** When it was begun, or a part of it was confirmed last. */
  readonly updatedAtMs: number;
}

/** The catalog's part of it. DATABASE_* errors when the database cannot be used. */
export interface UploadLedger {
  /** The uploads of this key, newest first, with their confirmed parts: `holder` has them from now on. */
  claim(
    library: Library,
    key: string,
    holder: string,
  ): Promise<readonly (RecordedUpload & { readonly parts: readonly ConfirmedPart[] })[]>;
  /** Notes one that was begun and answers its id. NOT_FOUND when the library is gone. */
  begin(
    library: Library,
    holder: string,
    upload: Omit<RecordedUpload, 'id' | 'libraryId' | 'updatedAtMs'>,
  ): Promise<string>;
  /** Notes a part, in place of what was noted of its number; nothing if the upload is forgotten. */
  confirm(id: string, part: ConfirmedPart): Promise<void>;
  /** Has nobody else claimed it since? False too once it is forgotten. */
  isHeld(id: string, holder: string): Promise<boolean>;
  /** Safe twice. */
  forget(ids: readonly string[]): Promise<void>;
  /** The uploads to the library's bucket that are the library's, or of a library that was removed; oldest first. */
  ofLibrary(library: Library, signal: AbortSignal): Promise<readonly RecordedUpload[]>;
}

/** What is uploaded: a version of a file (its bytes prove the rest, adr/0014), or a copy on the server. */
export interface UploadSubject {
  readonly key: string;
  readonly size: number;
  /** Null: a copy. */
  readonly mtimeNs: bigint | null;
}

/** The memory of one upload of this subject, to be given to the bucket. */
export function uploadMemory(
  ledger: UploadLedger,
  library: Library,
  { key, size, mtimeNs }: UploadSubject,
  log: Log,
): UploadMemory {
  const holder = randomUUID();
  const ids = new Map<string, string>();
  return {
    recall: async () => {
      const recorded = await ledger.claim(library, key, holder);
      for (const { id, uploadId } of recorded) ids.set(uploadId, id);
      return recorded.map((upload): RememberedUpload => {
        const sameVersion = mtimeNs !== null && upload.size === size && upload.mtimeNs === mtimeNs;
        return { ...upload, sameVersion };
      });
    },
    begun: async (upload) => {
      ids.set(upload.uploadId, await ledger.begin(library, holder, { ...upload, key, size, mtimeNs }));
    },
    // What is not noted is sent again at worst: no reason to give up the upload.
    confirmed: (uploadId, part) => tolerant(log, key, () => ledger.confirm(idOf(ids, uploadId), part)),
    isOurs: (uploadId) => ledger.isHeld(idOf(ids, uploadId), holder),
    // What stays noted is an upload that the server does not know: the next one finds that out.
    forget: (uploadId) => tolerant(log, key, () => ledger.forget([idOf(ids, uploadId)])),
  };
}

/** Of one that was begun or recalled; nothing else is asked about. */
function idOf(ids: ReadonlyMap<string, string>, uploadId: string): string {
  const id = ids.get(uploadId);
  if (id === undefined) throw new Error('an upload that was neither begun nor recalled');
  return id;
}

async function tolerant(log: Log, key: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const { code, message } = asRollcallError(thrown);
    log.debug({ code, key }, `How far an upload is could not be noted: ${message}`);
  }
}
