/** From an album's path to its folder, whichever way the disk spells it. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { RollcallError } from '../errors.ts';
import { explain, isAbsence } from './facts.ts';
import { assertStillThere, type VerifiedRoot } from './root.ts';

/**
 * Is there a folder with this NFC path? False only if there is none under the verified root; a link is not gone, the
 * walk says why it is not followed. FOLDER_UNREADABLE if a folder on the way cannot be read.
 */
export async function hasFolder(root: VerifiedRoot, album: string): Promise<boolean> {
  let spellings = [root.real];
  for (const part of album === '.' ? [] : album.split('/')) {
    const found: string[] = [];
    for (const folder of spellings) {
      for (const entry of await entriesOf(folder)) {
        if (entry.name.normalize('NFC') !== part) continue;
        if (entry.isSymbolicLink()) return true;
        if (entry.isDirectory()) found.push(`${folder}/${entry.name}`);
      }
    }
    spellings = found;
  }
  if (spellings.length === 0) await assertStillThere(root);
  return spellings.length > 0;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    if (isAbsence(cause)) return [];
    throw new RollcallError('FOLDER_UNREADABLE', `the folder ${folder} cannot be read: ${explain(cause)}`, { cause });
  }
}
