/**
 * Looks at photos while their bytes are in memory anyway, because they have just been uploaded (DESIGN 10: a file is read
 * once). Syncing never waits for it: what finds no room here is due, and read again by whoever works on what is due.
 */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { asRollcallError } from '../errors.ts';
import { contentTypeOf } from './content-type.ts';
import { type MediaParts, MediaWorker } from './media-work.ts';
import type { DiskPort, OpenFile } from './ports.ts';
import type { FileFacts, Library } from './types.ts';

export interface MediaIntake {
  /** The same disk, whose images are looked at once they were read to the end. */
  keeping(disk: DiskPort, library: Library): DiskPort;
  /** Takes nothing more, and waits for what is under way to stop. */
  close(): Promise<void>;
}

/** Bytes of files that are kept at a time. */
const BUDGET = 256 * 1024 * 1024;
const LARGEST = 64 * 1024 * 1024;
/** More would only wait: uploads are faster than pictures are rendered. */
const AT_ONCE = 64;
/** The row of an upload is written a moment after its file was read: it is looked for after so many ms. */
const LOOKS_MS = [200, 500, 1_000, 3_000, 8_000];

/** `signal` ends it. */
export function mediaIntake(parts: MediaParts, signal: AbortSignal): MediaIntake {
  const closing = new AbortController();
  const ending = AbortSignal.any([signal, closing.signal]);
  const under = new Set<Promise<void>>();
  let kept = 0;
  const take = (library: Library, path: string, facts: FileFacts, bytes: Buffer): Promise<void> =>
    lookAt(parts, library, path, facts, bytes, ending).catch((thrown: unknown) => {
      // It is due still: whoever looks at it next says what is wrong, if it still is.
      const { code, message } = asRollcallError(thrown);
      if (!ending.aborted) parts.log.debug({ path, code }, `${path} is left for later: ${message}`);
    });
  return {
    keeping: (disk, library) => ({
      ...portOf(disk),
      open: async (path, expected, openSignal) => {
        const file = await disk.open(path, expected, openSignal);
        const { size } = expected;
        const wanted = contentTypeOf(path).kind === 'image' && size > 0 && size <= LARGEST;
        if (!wanted || under.size >= AT_ONCE || kept + size > BUDGET || ending.aborted) return file;
        kept += size;
        const done = () => {
          kept -= size;
        };
        return keepingFile(file, (bytes) => {
          if (bytes === null || ending.aborted) return done();
          const looked = take(library, path, expected, bytes).finally(() => {
            under.delete(looked);
            done();
          });
          under.add(looked);
        });
      },
    }),
    close: async () => {
      closing.abort();
      await Promise.allSettled(under);
    },
  };
}

/** The port's methods, whatever class they are of. */
function portOf(disk: DiskPort): DiskPort {
  return {
    verifyRoot: (signal) => disk.verifyRoot(signal),
    isBare: (signal) => disk.isBare(signal),
    walk: (album, signal) => disk.walk(album, signal),
    hasFolder: (album, signal) => disk.hasFolder(album, signal),
    stat: (path, signal) => disk.stat(path, signal),
    statAll: (paths, signal) => disk.statAll(paths, signal),
    pathOf: (key) => disk.pathOf(key),
    receive: (path, replacing, signal) => disk.receive(path, replacing, signal),
    open: (path, expected, signal) => disk.open(path, expected, signal),
  };
}

/** Keeps what is read of a file; `onClose` gets all of it, or null where something was not read. */
function keepingFile(file: OpenFile, onClose: (bytes: Buffer | null) => void): OpenFile {
  const chunks = new Map<number, Buffer>();
  let closed = false;
  return {
    facts: file.facts,
    // Into memory of its own: what it is lent is used again for another file.
    read: async (offset, length, signal) => {
      const bytes = await file.read(offset, length, signal);
      chunks.set(offset, bytes);
      return bytes;
    },
    verifyUnchanged: () => file.verifyUnchanged(),
    close: async () => {
      await file.close();
      if (closed) return;
      closed = true;
      onClose(joined(chunks, file.facts.size));
    },
  };
}

function joined(chunks: ReadonlyMap<number, Buffer>, size: number): Buffer | null {
  const whole = chunks.get(0);
  if (whole?.length === size) return whole;
  const parts: Buffer[] = [];
  let at = 0;
  for (let chunk = chunks.get(0); chunk; chunk = chunks.get(at)) {
    parts.push(chunk);
    at += chunk.length;
  }
  return at === size ? Buffer.concat(parts) : null;
}

async function lookAt(
  parts: MediaParts,
  library: Library,
  path: string,
  facts: FileFacts,
  bytes: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const key = library.prefix + path.normalize('NFC');
  const md5 = createHash('md5').update(bytes).digest('hex');
  for (const ms of LOOKS_MS) {
    await pause(ms, undefined, { signal });
    const [photo] = await parts.store.claim({ libraryId: library.id, key, md5 }, 1, signal);
    if (photo === undefined) continue;
    const worker = new MediaWorker(parts, library, parts.openDisk(library), signal);
    const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
    try {
      const result = await worker.process({ ...photo, local: facts }, read);
      await worker.save(photo, result);
    } catch (thrown) {
      const { code, message } = asRollcallError(thrown);
      await parts.store.giveBack([photo], code === 'MEDIA_FAILED' ? message : null);
      throw thrown;
    }
    return;
  }
}
