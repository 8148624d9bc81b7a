/** Names that never sync: temporary files (DESIGN 6) and what the library excludes, in gitignore syntax. */
import ignore, { type Ignore } from 'ignore';
import { RollcallError } from '../errors.ts';

/** How many answers `ignore` may remember: it keeps every path it was asked about. */
const REMEMBERED = 10_000;

/** Decides which files and folders are left out. Paths are relative to the root and in NFC. */
export interface Excludes {
  /** Is this entry itself left out? For a walk from the root, which never enters a folder that is. */
  matches(path: string, isFolder: boolean): boolean;
  /** Is this file left out, by its own name or by a folder above it? */
  coversFile(path: string): boolean;
}

/**
 * Compiles a library's excludes. BAD_INPUT names a pattern that can never match: a typing error there would send
 * what was meant to stay at home.
 */
export function compileExcludes(patterns: readonly string[]): Excludes {
  for (const pattern of patterns) {
    const fault = patternFault(pattern);
    if (fault !== null) {
      const message = `excludes: ${JSON.stringify(pattern)} ${fault}`;
      throw new RollcallError('BAD_INPUT', message, { field: 'excludes' });
    }
  }
  const matchesOwn = patterns.length === 0 ? () => false : matcherOf(patterns);
  const matches = (path: string, isFolder: boolean): boolean =>
    isTemporary(path.slice(path.lastIndexOf('/') + 1), isFolder) || matchesOwn(isFolder ? `${path}/` : path);
  return {
    matches,
    coversFile(path) {
      for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
        if (matches(path.slice(0, end), true)) return true;
      }
      return matches(path, false);
    },
  };
}

/** `temp_*`, `.~*`, `*.part`, `*.tmp`, `.DS_Store`, `Thumbs.db`, `@eaDir/`. A library's excludes can't undo these. */
function isTemporary(name: string, isFolder: boolean): boolean {
  return (
    name.startsWith('temp_') ||
    name.startsWith('.~') ||
    name.endsWith('.part') ||
    name.endsWith('.tmp') ||
    name === '.DS_Store' ||
    name === 'Thumbs.db' ||
    (isFolder && name === '@eaDir')
  );
}

function matcherOf(patterns: readonly string[]): (path: string) => boolean {
  // Like git on Linux, names differ by case.
  const rules = ignore({ ignorecase: false }).add(patterns.map((pattern) => pattern.normalize('NFC')));
  const forgetful = (): Ignore => ignore({ ignorecase: false }).add(rules);
  let current = forgetful();
  let asked = 0;
  return (path) => {
    if (++asked % REMEMBERED === 0) current = forgetful();
    return current.ignores(path);
  };
}

/** Why `ignore` would drop this pattern without a word, or null. */
function patternFault(pattern: string): string | null {
  if (/[\0\r\n]/.test(pattern)) return 'must be one line';
  const body = pattern.replace(/^!/, '').replace(/(?<!\\) +$/, '');
  if (body === '' || body === '/') return 'is empty';
  if (pattern.startsWith('#')) return 'is a comment; write \\# for a name that starts with #';
  if (/(?<!\\)(?:\\\\)*\\$/.test(body)) return 'ends in a backslash that escapes nothing';
  if (/(?<!\\)\[(?!.[^\]]*\])/.test(body)) return 'has a [ that is never closed';
  return null;
}
