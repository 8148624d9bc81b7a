/** A library of many small files. Their paths follow from their numbers, in the byte order of the keys. */
import { closeSync, futimesSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';

export const PHOTOS_PER_ALBUM = 500;

/** 2020-09-13; each photo a millisecond and a half later than the one before. */
const FIRST_TAKEN_SECONDS = 1_600_000_000;
/** A block for each file that is not empty, and for each folder's entries. */
const BYTES_A_FILE = 4_096;

/** `album-00012/photo-00345.jpg` for number 6345 of albums of 500. */
export function photoPath(index: number): string {
  return `${albumPath(Math.floor(index / PHOTOS_PER_ALBUM))}/photo-${padded(index % PHOTOS_PER_ALBUM)}.jpg`;
}

function albumPath(album: number): string {
  return `album-${padded(album)}`;
}

function padded(number: number): string {
  return String(number).padStart(5, '0');
}

/**
 * Makes the files under `root`. With `contents` each holds a few bytes of its own, otherwise they are empty. Throws at
 * once when the disk has no room for them.
 */
export async function makePhotoFiles(
  root: string,
  photos: number,
  options: { readonly contents: boolean },
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(root, { recursive: true });
  await checkRoom(root, photos, options.contents ? BYTES_A_FILE : 0);
  for (let index = 0; index < photos; index++) {
    if (index % PHOTOS_PER_ALBUM === 0) {
      mkdirSync(join(root, albumPath(index / PHOTOS_PER_ALBUM)));
      await breathe();
      signal.throwIfAborted();
    }
    const taken = FIRST_TAKEN_SECONDS + index * 0.0015;
    const file = openSync(`${root}/${photoPath(index)}`, 'wx');
    if (options.contents) writeSync(file, photoContent(index));
    futimesSync(file, taken, taken);
    closeSync(file);
  }
}

/** No two photos have the same bytes. */
export function photoContent(index: number): string {
  return `photo ${index}\n`;
}

async function checkRoom(root: string, photos: number, bytesEach: number): Promise<void> {
  const disk = await statfs(root);
  const free = disk.bavail * disk.bsize;
  // Twice: the bucket and the database want room too.
  if (free < photos * (bytesEach + 1_024) * 2) throw new Error(`${root}: only ${free} bytes are free`);
  // Some file systems make inodes as they are needed and say 0.
  if (disk.files > 0 && disk.ffree < photos * 2) throw new Error(`${root}: only ${disk.ffree} inodes are free`);
}
