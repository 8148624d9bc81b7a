/** Paths on disk and keys in the bucket (DESIGN 9): `key = prefix + NFC(path)`, and back. */

/** S3's limit on a key, in UTF-8 bytes. */
const LONGEST_KEY = 1_024;

/** The longest part of a path: bytes on Linux and macOS, UTF-16 units on Windows. */
const LONGEST_NAME = 255;

const EMPTY_OR_DOTS = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** Why a name cannot be synced. */
export interface NameFault {
  readonly code: 'NAME_TOO_LONG' | 'NAME_INVALID';
  /** Reads on after the path: `… is longer than …`. */
  readonly message: string;
}

/**
 * The key of a file, or why it can have none. `path` is relative to the root, as the disk spells it.
 *
 * A backslash is an ordinary character in a Linux name, but refused: Windows, SMB shares and the tools there read it
 * as a separator, so the key could come back as another file, or as one outside of the folder. `pathOf` has to refuse
 * such keys for that reason, and a photo that can be sent but never fetched is worse than one reported at once.
 */
export function keyOf(prefix: string, path: string): { readonly key: string } | { readonly fault: NameFault } {
  const normal = path.normalize('NFC');
  const fault = keyFault(prefix, normal);
  return fault === null ? { key: prefix + normal } : { fault };
}

/** What keeps an NFC path from being a key under this prefix, or null. */
export function keyFault(prefix: string, path: string): NameFault | null {
  const invalid = pathFault(path);
  if (invalid !== null) return { code: 'NAME_INVALID', message: invalid };
  const units = prefix.length + path.length;
  // No UTF-16 code unit takes more than 3 bytes, so nearly all names need no counting.
  if (units * 3 <= LONGEST_KEY) return null;
  const bytes = Buffer.byteLength(prefix) + Buffer.byteLength(path);
  if (bytes <= LONGEST_KEY) return null;
  return {
    code: 'NAME_TOO_LONG',
    message: `makes a key of ${bytes} bytes, and a bucket takes ${LONGEST_KEY}: shorten it`,
  };
}

/** What keeps a path from naming one file below the root, whichever system reads it; or null. */
export function pathFault(path: string): string | null {
  if (path.includes('\\')) return 'has a backslash, which other systems take for a folder separator: rename it';
  if (path.includes('\0')) return 'has a NUL character';
  if (!path.isWellFormed()) return 'is not valid Unicode';
  if (EMPTY_OR_DOTS.test(path)) return 'has an empty part, "." or ".."';
  return null;
}

/**
 * Where a key from the bucket belongs on disk, or why nowhere: it would leave the root, or the file there would get
 * another key than this one.
 */
export function pathOf(
  prefix: string,
  key: string,
): { readonly path: string } | { readonly path: null; readonly reason: string } {
  if (!key.startsWith(prefix)) return { path: null, reason: `is not under the prefix ${prefix}` };
  const path = key.slice(prefix.length);
  const fault = path.normalize('NFC') === path ? keyFault(prefix, path)?.message : 'is not in Unicode normal form NFC';
  return fault === undefined ? { path } : { path: null, reason: fault };
}

/**
 * Where a key from the bucket can be put on this machine, or why nowhere: what `pathOf` refuses, and names that the
 * usual file systems here cannot hold (others may, so a file that is there under such a name has its key all the same).
 */
export function placeOf(
  prefix: string,
  key: string,
  platform: NodeJS.Platform = process.platform,
): { readonly path: string } | { readonly fault: string } {
  const found = pathOf(prefix, key);
  if (found.path === null) return { fault: found.reason };
  const partFault = platform === 'win32' ? windowsFault : lengthFault;
  const fault = found.path
    .split('/')
    .map(partFault)
    .find((reason) => reason !== null);
  return fault === undefined ? { path: found.path } : { fault };
}

function lengthFault(part: string): string | null {
  const bytes = Buffer.byteLength(part);
  return bytes > LONGEST_NAME ? `has a part of ${bytes} bytes, and a name here has at most ${LONGEST_NAME}` : null;
}

function windowsFault(part: string): string | null {
  if (part.length > LONGEST_NAME) return `has a part that is longer than ${LONGEST_NAME} characters`;
  if (/[<>:"|?*]/.test(part) || [...part].some((character) => character < ' '))
    return 'has a character that Windows allows in no name';
  if (/[. ]$/.test(part)) return 'has a part that ends in a dot or a space, which Windows drops';
  if (/^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d\u00b9\u00b2\u00b3]) *(?:\.|$)/i.test(part)) {
    return 'has a part that is the name of a device on Windows';
  }
  return null;
}
