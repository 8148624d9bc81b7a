/** Albums and the keys that belong to them (DESIGN 1, 9): pure. */
import { RollcallError } from '../errors.ts';

/**
 * An album's path as the catalog keeps it: relative to the root, NFC, `.` for the root itself. BAD_INPUT when it
 * could lead elsewhere.
 */
export function albumPath(text: string, field = 'album'): string {
  const path = text
    .normalize('NFC')
    .replace(/^(\.\/)+/, '')
    .replace(/\/+$/, '');
  if (path === '' || path === '.') {
    if (text.startsWith('/')) throw badAlbum(field);
    return '.';
  }
  const parts = path.split('/');
  if (path.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..')) throw badAlbum(field);
  return path;
}

function badAlbum(field: string): RollcallError {
  return new RollcallError(
    'BAD_INPUT',
    `${field} must be a folder's path relative to the library's root, like 2024/summer, or . for the root itself`,
    { field },
  );
}

/** A test for what may stand in a plan of this scope: a key under it, and a path that gives that key. */
export function allowedKeys(prefix: string, album: string | null): (key: string, path: string) => boolean {
  const folder = album === null || album === '.' ? '' : `${album}/`;
  return (key, path) => {
    if (key !== prefix + path.normalize('NFC') || path.includes('\0')) return false;
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) return false;
    const name = path.normalize('NFC');
    return name.startsWith(folder) && (album === null || !name.slice(folder.length).includes('/'));
  };
}
