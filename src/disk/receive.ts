/** Takes a download in: under a temporary name that never syncs, and in its place only when it is whole. */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, unlink } from 'node:fs/promises';
import { RollcallError } from '../errors.ts';
import type { IncomingFile } from '../sync/ports.ts';
import type { FileFacts } from '../sync/types.ts';
import { abortable } from './abortable.ts';
import { errnoOf, isAbsence } from './facts.ts';
import { pathFault } from './keys.ts';
import { fileExists, unwritable, writeFault } from './receive-faults.ts';
import { type HeldFolder, holdFolder, otherForms } from './receive-folder.ts';
import { Incoming } from './receive-incoming.ts';
import { assertVersion, nullIfAbsent, type Placement } from './receive-place.ts';
import { type Remains, temporaryName } from './receive-remains.ts';
import type { VerifiedRoot } from './root.ts';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** How often a folder may be taken away, by a download that failed, just when this one is about to use it. */
const ATTEMPTS = 5;

/** What a file system answers that keeps no owners or modes. */
const NO_OWNERS = new Set(['EPERM', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

export interface ReceiveRequest {
  readonly root: VerifiedRoot;
  readonly path: string;
  readonly replacing: FileFacts | null;
  readonly remains: Remains;
  /** See FolderRequest. */
  readonly descriptors?: string;
}

/** `DiskPort.receive`. NAME_INVALID for a path that is no path below the root. */
export async function receiveFile(request: ReceiveRequest, signal: AbortSignal): Promise<IncomingFile> {
  const { path } = request;
  const fault = pathFault(path);
  if (fault !== null) throw new RollcallError('NAME_INVALID', `${path} ${fault}`);
  return abortable(
    signal,
    () => beginRepeatedly(request, signal),
    (late) => void late.discard(),
  );
}

async function beginRepeatedly(request: ReceiveRequest, signal: AbortSignal): Promise<IncomingFile> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await begin(request, signal);
    } catch (thrown) {
      if (!isAbsence(thrown) || attempt === ATTEMPTS) throw writeFault(request.path, thrown);
    }
  }
}

async function begin(request: ReceiveRequest, signal: AbortSignal): Promise<IncomingFile> {
  const { root, path, replacing, remains } = request;
  const parts = path.split('/');
  const given = parts.pop() ?? '';
  const folder = await holdFolder({ ...request, parts, made: remains });
  try {
    const { name, stats } = await occupant(folder, given);
    if (replacing === null && stats !== null) throw fileExists(path);
    if (replacing !== null) assertReplaceable(path, replacing, stats);
    await remains.sweep(folder);
    const placement = { folder, temporary: temporaryName(), name, path };
    const handle = await create(placement, stats);
    const incoming = new Incoming({ root, placement, replacing, remains, handle, signal });
    try {
      await incoming.assertInPlace();
      return incoming;
    } catch (thrown) {
      await incoming.discard();
      throw thrown;
    }
  } catch (thrown) {
    await remains.removeMade(folder.path);
    await folder.close();
    throw thrown;
  }
}

/** What has this name in any Unicode normal form, and how it is spelled. */
async function occupant(folder: HeldFolder, given: string): Promise<{ name: string; stats: BigIntStats | null }> {
  for (const name of [given, ...otherForms(given)]) {
    const stats = await lstat(folder.child(name), { bigint: true }).catch(nullIfAbsent);
    if (stats !== null) return { name, stats };
  }
  return { name: given, stats: null };
}

function assertReplaceable(path: string, replacing: FileFacts, stats: BigIntStats | null): void {
  if (stats?.isSymbolicLink()) throw unwritable(path, 'it is a link, and what a link leads to is not replaced');
  assertVersion(path, replacing, stats);
}

/** The temporary file: as readable as a new file here is, or as the file that it replaces. */
async function create({ folder, temporary }: Placement, like: BigIntStats | null): Promise<FileHandle> {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  const handle = await open(folder.child(temporary), flags, like === null ? 0o666 : 0o600);
  if (like === null) return handle;
  try {
    await imitate(handle, like);
    return handle;
  } catch (thrown) {
    await handle.close();
    await unlink(folder.child(temporary)).catch(() => {});
    throw thrown;
  }
}

async function imitate(handle: FileHandle, like: BigIntStats): Promise<void> {
  const own = await handle.stat({ bigint: true });
  const ignored = (thrown: unknown) => {
    if (!NO_OWNERS.has(errnoOf(thrown) ?? '')) throw thrown;
  };
  if (own.uid !== like.uid || own.gid !== like.gid) {
    await handle.chown(Number(like.uid), Number(like.gid)).catch(ignored);
  }
  await handle.chmod(Number(like.mode & 0o777n)).catch(ignored);
}
