/** The actions that read a photo and bring the bucket to agree with it: upload, reupload, adopt. */

import { RollcallError } from '../errors.ts';
import type { AdoptAction, DownloadAction, ObjectFacts, ReuploadAction, RowFacts, UploadAction } from './actions.ts';
import type { BucketPort, UploadedObject, UploadMemory, WriteCondition } from './bucket-port.ts';
import type { RowChange } from './catalog-port.ts';
import { contentTypeOf } from './content-type.ts';
import type { DiskPort, OpenFile } from './ports.ts';
import type { FileFacts } from './types.ts';

export type TransferAction = UploadAction | ReuploadAction | AdoptAction;

/** What came of it. `agreed`: the bucket held these very bytes already, nothing was sent. */
export type Transferred =
  | {
      readonly outcome: 'sent' | 'agreed';
      /** Sent now; a part of them may have been sent by an earlier try that was cut off: `resumed`. */
      readonly bytes: number;
      readonly resumed: number;
      readonly change: RowChange;
    }
  | { readonly outcome: 'conflict'; readonly message: string; readonly change: RowChange }
  /** The bucket has another version, and that is the one to keep. */
  | { readonly outcome: 'fetch'; readonly instead: DownloadAction };

export interface TransferOptions {
  /** Remembers uploads in parts of this action's file. */
  readonly memory: UploadMemory;
  readonly onBytes: (bytes: number) => void;
  /** The same for bytes that an earlier try has sent. */
  readonly onResumed: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Carries out one transfer on the version of the file that the plan saw; FILE_UNSTABLE if it is another by now. The
 * file is opened once: compared first where that can spare sending it.
 */
export async function transfer(
  sides: { readonly disk: DiskPort; readonly bucket: BucketPort },
  action: TransferAction,
  { signal, ...told }: TransferOptions,
): Promise<Transferred> {
  const file = await sides.disk.open(action.path, action.local, signal);
  try {
    const known = await compareFirst(sides.bucket, action, file, signal);
    if (known.ends !== null) return known.ends;
    const md5 = known.md5 ?? md5OnRecord(action);
    const { contentType } = contentTypeOf(action.path);
    const request = { key: action.key, file, contentType, condition: conditionOf(action), ...told };
    const sent = await sides.bucket
      .upload({ ...request, ...(md5 !== null && { md5 }) }, signal)
      .catch((thrown: unknown) => explainDamage(thrown, action, file));
    const { resumed = 0 } = sent;
    const bytes = sent.sent ? sent.size - resumed : 0;
    return { outcome: sent.sent ? 'sent' : 'agreed', bytes, resumed, change: agreed(action, sent) };
  } finally {
    await file.close();
  }
}

/**
 * What a file that is to be brought back must still hold: by size and date it is the version on record, and its bytes may
 * have rotted since. Without an object to hold them against, the row is the only witness.
 */
function md5OnRecord({ kind, row, local, ...action }: TransferAction): string | null {
  if (kind !== 'reupload' || ('object' in action && action.object !== undefined) || row === undefined) return null;
  return row.size === local.size && row.mtimeNs === local.mtimeNs ? row.md5 : null;
}

/** Other bytes than on record in a file that has not changed meanwhile are damage: DISK_DAMAGED. */
async function explainDamage(thrown: unknown, action: TransferAction, file: OpenFile): Promise<never> {
  const unstable = thrown instanceof RollcallError && thrown.code === 'FILE_UNSTABLE';
  if (!unstable || md5OnRecord(action) === null) throw thrown;
  await file.verifyUnchanged();
  const message =
    'its bytes are not those on record, though size and date are: it may be damaged, so it was not uploaded. Put it ' +
    'back from a backup; or, if these are the right bytes, give it a new date (touch) and sync again';
  throw new RollcallError('DISK_DAMAGED', message, { cause: thrown });
}

interface Comparison {
  /** What the comparison came to; null: the object is to be written. */
  readonly ends: Transferred | null;
  /** Of the whole file, if it was read. */
  readonly md5: string | null;
}

/** Reads and compares where that can spare or must precede writing: equal sizes, and an object that is shorter. */
async function compareFirst(
  bucket: BucketPort,
  action: TransferAction,
  file: OpenFile,
  signal: AbortSignal,
): Promise<Comparison> {
  if (action.kind === 'upload' || action.object === undefined) return { ends: null, md5: null };
  const { object } = action;
  if (object.size < action.local.size && action.kind === 'reupload' && action.unlessOther !== undefined) {
    return compareBeginning(bucket, { ...action, object, otherwise: action.unlessOther }, file, signal);
  }
  if (object.size < action.local.size && action.kind === 'adopt' && action.otherwise !== 'replace') {
    const shorter = await compareBeginning(bucket, { ...action, otherwise: action.otherwise }, file, signal);
    return shorter.ends === null ? { ends: incomplete(action), md5: null } : shorter;
  }
  if (object.size !== action.local.size) return { ends: null, md5: null };
  if (action.kind === 'reupload' && action.damaged)
    return compareWithRecord(bucket, { ...action, object }, file, signal);
  const recorded = action.row?.etag === object.etag ? action.row : { md5: null, partSize: null };
  const found = await bucket.compare(file, { key: action.key, ...object }, recorded, signal);
  await file.verifyUnchanged();
  if (found.match === 'same') {
    const facts = agreed(action, { ...object, md5: found.md5, partSize: found.partSize, storageClass: null });
    const change = { ...facts, compared: true } as const;
    return { ends: { outcome: 'agreed', bytes: 0, resumed: 0, change }, md5: found.md5 };
  }
  if (action.kind === 'adopt' && action.otherwise !== 'replace') {
    const message = found.match === 'unknown' ? CANNOT_TELL : looksAsRecorded(action) ? REPLACED : ANOTHER;
    return { ends: differing({ ...action, otherwise: action.otherwise }, message), md5: found.md5 };
  }
  return { ends: null, md5: found.md5 };
}

const CANNOT_TELL = 'the bucket has one of this size, and its ETag does not tell whether it is the same';
const ANOTHER = 'the bucket has another photo of this size under this name';
const REPLACED =
  'the file was replaced by another one of the same size and date; if these are the right bytes, give it a new date ' +
  '(touch) and sync again';

function looksAsRecorded({ row, local, object }: AdoptAction): boolean {
  return row?.etag === object.etag && row.size === local.size && row.mtimeNs === local.mtimeNs;
}

/** A damaged object is replaced only by the bytes that were agreed on: as the row has them, or as its ETag tells. */
async function compareWithRecord(
  bucket: BucketPort,
  action: ReuploadAction & { readonly object: ObjectFacts },
  file: OpenFile,
  signal: AbortSignal,
): Promise<Comparison> {
  const known = { md5: null, partSize: action.row?.partSize ?? null };
  const { match, md5 } = await bucket.compare(file, { key: action.key, ...action.object }, known, signal);
  await file.verifyUnchanged();
  if (match === 'same' || md5 === action.row?.md5) return { ends: null, md5 };
  const message = 'its object is damaged, and the file does not hold the bytes that were agreed on either';
  return { ends: differing({ ...action, otherwise: 'conflict' }, message), md5 };
}

/** Is a shorter object the beginning of the file? Anything else is somebody's photo. */
async function compareBeginning(
  bucket: BucketPort,
  action: Differing,
  file: OpenFile,
  signal: AbortSignal,
): Promise<Comparison> {
  const beginning: OpenFile = {
    facts: { ...file.facts, size: action.object.size },
    read: (offset, length, readSignal) => file.read(offset, length, readSignal),
    verifyUnchanged: () => file.verifyUnchanged(),
    close: async () => {},
  };
  const object = { key: action.key, ...action.object };
  const found = await bucket.compare(beginning, object, { md5: null, partSize: null }, signal);
  if (found.match === 'same') return { ends: null, md5: null };
  if (found.match === 'different') {
    return { ends: differing(action, 'the bucket has another, shorter photo under this name'), md5: null };
  }
  const message = 'the bucket has a shorter one, and its ETag does not tell whether it is the beginning of this';
  return { ends: differing({ ...action, otherwise: 'conflict' }, message), md5: null };
}

/** A create only where the key is free, a replacement only of the very version that was seen. */
function conditionOf(action: TransferAction): WriteCondition {
  const object: ObjectFacts | undefined = action.kind === 'upload' ? undefined : action.object;
  return object === undefined ? { absent: true } : { etag: object.etag };
}

/** What the direction does not let be completed. */
function incomplete(action: AdoptAction): Transferred {
  const message = 'the object is an incomplete copy of the file';
  return { outcome: 'conflict', message, change: unsettled(action, 'conflict', message) };
}

/** A photo on both sides whose contents were found to differ. */
interface Differing {
  readonly key: string;
  readonly path: string;
  readonly local: FileFacts;
  readonly object: ObjectFacts;
  readonly row?: RowFacts;
  readonly otherwise: 'conflict' | 'download';
}

function differing(action: Differing, message: string): Transferred {
  if (action.otherwise === 'conflict') {
    return { outcome: 'conflict', message, change: unsettled(action, 'conflict', message) };
  }
  const { key, path, local, object, row } = action;
  const instead = { kind: 'download', key, path, local, object, reason: message } as const;
  return { outcome: 'fetch', instead: row === undefined ? instead : { ...instead, row } };
}

function agreed(
  action: TransferAction,
  object: Pick<UploadedObject, 'etag' | 'md5' | 'partSize'> & { readonly storageClass: string | null },
): Extract<RowChange, { kind: 'agreed' }> {
  const { contentType, kind } = contentTypeOf(action.path);
  return {
    kind: 'agreed',
    path: action.path,
    key: action.key,
    local: action.local,
    md5: object.md5,
    etag: object.etag,
    partSize: object.partSize,
    storageClass: object.storageClass,
    contentType,
    photoKind: kind,
    verified: true,
  };
}

/** The row of a photo that nothing could be agreed on: made if there is none, its ancestor facts kept if there is. */
export function unsettled(
  action: { readonly path: string; readonly key: string; readonly local: FileFacts; readonly row?: RowFacts },
  state: 'pending' | 'conflict' | 'failed',
  error: string,
): RowChange {
  const { contentType, kind } = contentTypeOf(action.path);
  const { path, key, local } = action;
  return { kind: 'unsettled', path, key, local, contentType, photoKind: kind, state, error };
}
