/** The entries of one directory, names that are not UTF-8 among them. */
import { isUtf8 } from 'node:buffer';
import { type Dirent, readdirSync } from 'node:fs';

export type EntryKind = 'file' | 'folder' | 'link' | 'special';

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: EntryKind;
  /** False: the name is not UTF-8, and what `name` shows is not what it is. */
  readonly decodable: boolean;
}

/** In the disk's order. Throws what the file system does. */
export function listDirectory(path: string): DirectoryEntry[] {
  const entries = readdirSync(path, { withFileTypes: true });
  // U+FFFD is what Node puts for bytes that are not UTF-8, and a character that a name may have in earnest.
  if (entries.some((entry) => entry.name.includes('\ufffd'))) return listBytes(path);
  return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry), decodable: true }));
}

function listBytes(path: string): DirectoryEntry[] {
  return readdirSync(path, { withFileTypes: true, encoding: 'buffer' }).map((entry) => ({
    name: entry.name.toString('utf8'),
    kind: kindOf(entry),
    decodable: isUtf8(entry.name),
  }));
}

function kindOf(entry: Dirent<string | NonSharedBuffer>): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'special';
}
