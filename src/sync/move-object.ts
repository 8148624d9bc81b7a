/** One step of a rename: the object under its new key, verified, and what the catalog is to know of it. */
import { RollcallError } from '../errors.ts';
import type { MoveAction } from './actions.ts';
import type { UploadMemory } from './bucket-port.ts';
import type { RowChange } from './catalog-port.ts';
import { contentTypeOf } from './content-type.ts';
import type { Sides } from './inventory.ts';
import { asidePlace } from './moves.ts';
import type { UploadSubject } from './upload-ledger.ts';

/** An object that is under its new key. `bytes`: how many were uploaded for it. */
export interface Carried {
  readonly row: Extract<RowChange, { kind: 'moved' }>;
  readonly bytes: number;
}

export interface CarryOptions {
  readonly sides: Sides;
  /** Remembers uploads and copies in parts. */
  readonly memoryOf: (subject: UploadSubject) => UploadMemory;
  readonly onSent: (bytes: number) => void;
  /** Bytes that an earlier upload had sent. */
  readonly onResumed: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Where the object is by now, if an earlier step took it aside. */
type Aside = { readonly key: string; readonly etag: string } | null;

type Step = 'whole' | 'aside' | 'finish';

/** What the new object turned out to be. */
interface Placed {
  readonly etag: string;
  readonly md5: string | null;
  readonly partSize: number | null;
  readonly storageClass: string | null;
  readonly bytes: number;
}

/** Carries one out, disk being as it was planned (places-as-planned.ts). OBJECT_* when the bucket is not. */
export async function carry(options: CarryOptions, move: MoveAction, step: Step, aside: Aside): Promise<Carried> {
  const { object, row, from } = move;
  const source = aside ?? { key: from.key, etag: object.etag };
  const placed = await place(options, move, step, source);
  const away = step === 'aside';
  const { key, path } = away ? asidePlace(move, row.id) : move;
  const { contentType, kind } = contentTypeOf(move.path);
  return {
    bytes: placed.bytes,
    row: {
      kind: 'moved',
      id: row.id,
      path,
      key,
      aside: away,
      from: { ...source, size: object.size },
      // Until it has arrived, a changed photo is the version on record.
      local: away ? { ...move.local, size: row.size, mtimeNs: row.mtimeNs } : move.local,
      md5: placed.md5,
      etag: placed.etag,
      partSize: placed.partSize,
      storageClass: placed.storageClass,
      contentType,
      photoKind: kind,
    },
  };
}

async function place(
  options: CarryOptions,
  move: MoveAction,
  step: Step,
  source: { readonly key: string; readonly etag: string },
): Promise<Placed> {
  if (move.edited && step !== 'aside') return upload(options, move);
  const { object, row } = move;
  const { bucket } = options.sides;
  if (step === 'whole' && move.target !== undefined) {
    const there = await arrived(options, move, move.target);
    if (there !== null) return there;
  }
  const to = step === 'aside' ? asidePlace(move, row.id).key : move.key;
  try {
    const copied = await bucket.copy(
      {
        from: { ...object, ...source },
        to,
        condition: { absent: true },
        md5: row.md5,
        partSize: row.partSize,
        memory: options.memoryOf({ key: to, size: object.size, mtimeNs: null }),
      },
      options.signal,
    );
    return { ...copied, md5: row.md5, bytes: 0 };
  } catch (thrown) {
    const taken = thrown instanceof RollcallError && thrown.code === 'OBJECT_PRECONDITION';
    if (!taken || move.target === undefined || step !== 'whole') throw thrown;
    return compared(options, move, move.target, thrown);
  }
}

/** The new key holds the photo already, as its ETag tells: nothing is copied. */
async function arrived(
  { sides, signal }: CarryOptions,
  { key, object, row }: MoveAction,
  target: { readonly size: number; readonly etag: string },
): Promise<Placed | null> {
  if (target.etag !== object.etag && target.etag !== row.md5) return null;
  const there = await sides.bucket.head(key, signal);
  if (there === null || there.etag !== target.etag || there.size !== object.size) return null;
  const partSize = there.etag === object.etag ? row.partSize : null;
  return { etag: there.etag, md5: row.md5, partSize, storageClass: there.storageClass, bytes: 0 };
}

/** The new key holds something of this size whose ETag does not tell what: the file does. */
async function compared(
  { sides, signal }: CarryOptions,
  { key, path, local }: MoveAction,
  target: { readonly size: number; readonly etag: string },
  refusal: RollcallError,
): Promise<Placed> {
  const file = await sides.disk.open(path, local, signal);
  try {
    const { match, md5, partSize } = await sides.bucket.compare(
      file,
      { key, ...target },
      { md5: null, partSize: null },
      signal,
    );
    if (match !== 'same') throw refusal;
    return { etag: target.etag, md5, partSize, storageClass: null, bytes: 0 };
  } finally {
    await file.close();
  }
}

async function upload({ sides, memoryOf, onSent, onResumed, signal }: CarryOptions, move: MoveAction): Promise<Placed> {
  const { key, path, local, row } = move;
  const file = await sides.disk.open(path, local, signal);
  try {
    const { contentType } = contentTypeOf(path);
    const request = { key, file, contentType, condition: { absent: true }, onBytes: onSent, onResumed } as const;
    const memory = memoryOf({ key, size: local.size, mtimeNs: local.mtimeNs });
    // Not changed, its object gone: what is uploaded must be what is on record.
    const md5 = row.size === local.size && row.mtimeNs === local.mtimeNs ? row.md5 : null;
    const sent = await sides.bucket.upload({ ...request, memory, ...(md5 !== null && { md5 }) }, signal);
    return { ...sent, bytes: sent.sent ? sent.size - (sent.resumed ?? 0) : 0 };
  } finally {
    await file.close();
  }
}
