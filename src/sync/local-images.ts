/** Which files a caller wants compared (DESIGN 7: localImages): pure. */
import { RollcallError } from '../errors.ts';
import { allowedKeys } from './scope.ts';
import type { Scope } from './types.ts';

/** `localPath` is relative to the library's root, or absolute and inside it. */
export interface LocalImage {
  readonly filename: string;
  readonly localPath: string;
}

/** The keys of these files. BAD_INPUT names the field of one that is not a file of the scope. */
export function localKeysOf(images: readonly LocalImage[], { library, album }: Scope): ReadonlySet<string> {
  const allowed = allowedKeys(library.prefix, album);
  return new Set(
    images.map(({ filename, localPath }, at) => {
      const path = withoutRoot(localPath, library.root).normalize('NFC');
      const key = library.prefix + path;
      if (!allowed(key, path)) {
        const place = album === null ? `inside ${library.root}` : `a file directly in the album ${album}`;
        throw bad(`localImages.${at}.localPath`, `must be ${place}`);
      }
      if (path.slice(path.lastIndexOf('/') + 1) !== filename.normalize('NFC')) {
        throw bad(`localImages.${at}.filename`, 'must be the name of the file that localPath leads to');
      }
      return key;
    }),
  );
}

function withoutRoot(path: string, root: string): string {
  const folder = root.endsWith('/') ? root : `${root}/`;
  return path.startsWith(folder) ? path.slice(folder.length) : path;
}

function bad(field: string, message: string): RollcallError {
  return new RollcallError('BAD_INPUT', `${field} ${message}`, { field });
}
