/** The config file of `rollcall batch`: one target a line (DESIGN 13). Pure: text to targets and faults. */
import { join, resolve } from 'node:path';
import { BUCKET_NAME, prefixFault } from '../config.ts';

/** A folder and the place it syncs to, from one line of the file. */
export interface Target {
  /** Counted from 1, as editors do. */
  readonly line: number;
  /** As it stands in the file. */
  readonly written: string;
  /** Absolute. */
  readonly folder: string;
  readonly bucket: string;
  /** Empty or ending in `/`. */
  readonly prefix: string;
  /** In gitignore syntax; left out: the line has no such field, and the library keeps what it has. */
  readonly excludes?: readonly string[];
}

/** A line that is left out, and what would be right. */
export interface LineFault {
  readonly line: number;
  readonly message: string;
}

/** Both in the order of the file. */
export interface TargetsFile {
  readonly targets: readonly Target[];
  readonly faults: readonly LineFault[];
}

/** What relative paths and `~` in the file stand for; both absolute. */
export interface Bases {
  /** The folder that the file is in. */
  readonly folder: string;
  readonly home: string;
}

const FORM = 'local_path | bucket | prefix | excludes';

/**
 * Reads `local_path | bucket | prefix | excludes (comma-separated)` lines. A line that is wrong stops none of the
 * others. Lines that name one folder twice, or places that overlap, are all faults: which one is meant, nobody knows.
 */
export function parseTargets(text: string, bases: Bases): TargetsFile {
  const read = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .map((content, index) => ({ line: index + 1, content: content.trim() }))
    .filter(({ content }) => content !== '' && !content.startsWith('#'))
    .map(({ line, content }) => readLine(line, content, bases));
  const targets = read.filter((one) => 'folder' in one);
  const clashes = targets.flatMap((target) => clashOf(target, targets));
  const clashing = new Set(clashes.map(({ line }) => line));
  return {
    targets: targets.filter(({ line }) => !clashing.has(line)),
    faults: [...read.filter((one) => 'message' in one), ...clashes].sort((a, b) => a.line - b.line),
  };
}

/** A path from a config file or the command line: `~` is the home folder, what is relative starts at `from`. */
export function pathFrom(written: string, from: string, home: string): string {
  return resolve(from, written === '~' || written.startsWith('~/') ? join(home, written.slice(1)) : written);
}

function readLine(line: number, content: string, bases: Bases): Target | LineFault {
  const fields = content.split('|').map((field) => field.trim());
  const [written = '', bucket = '', given = '', excluded] = fields;
  const prefix = given === '' || given.endsWith('/') ? given : `${given}/`;
  const message = lineFault(content, fields.length) ?? folderFault(written) ?? placeFault(bucket, prefix);
  if (message !== null) return { line, message };
  return {
    line,
    written,
    folder: pathFrom(written, bases.folder, bases.home),
    bucket,
    prefix,
    ...(excluded !== undefined && { excludes: patternsOf(excluded) }),
  };
}

function patternsOf(field: string): string[] {
  return field
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
}

function lineFault(content: string, fields: number): string | null {
  if (content.includes('\uFFFD')) return 'is not UTF-8 text: save the file as UTF-8';
  if (/\p{Cc}/u.test(content.replaceAll('\t', ' '))) return 'must not contain control characters';
  if (fields < 3) return `must have three or four fields, ${FORM}; the prefix may be empty: ~/Pictures | my-bucket |`;
  if (fields > 4) return `must have three or four fields, ${FORM}; it has ${fields}, and no field can contain |`;
  return null;
}

function folderFault(folder: string): string | null {
  if (folder === '') return 'must begin with a folder, like ~/Pictures';
  if (/^(["']).*\1$/.test(folder)) return 'must name the folder without quotes; spaces need none';
  if (/^s3:/i.test(folder)) return `must begin with a folder: ${FORM}`;
  if (/^~[^/]/.test(folder)) return 'must name the folder by its whole path: only ~/ is understood, not ~user';
  return null;
}

function placeFault(bucket: string, prefix: string): string | null {
  if (bucket === '') return 'must name a bucket in its second field, like my-photos';
  if (!BUCKET_NAME.test(bucket)) {
    return 'must name the bucket by its name alone, like my-photos: 3 to 63 of a-z, 0-9, . and -';
  }
  const fault = prefixFault(prefix);
  return fault === null ? null : `has a prefix that is wrong: it ${fault}`;
}

/** The fault of a target that others contradict; none if it stands alone. */
function clashOf(target: Target, targets: readonly Target[]): LineFault[] {
  const others = targets.filter((other) => other !== target);
  const twice = others.filter((other) => other.folder === target.folder);
  const overlapping = others.filter((other) => overlap(other, target));
  const faults = [
    ...(twice.length === 0 ? [] : [`names the same folder as ${linesOf(twice)}: keep one of them`]),
    ...(overlapping.length === 0
      ? []
      : [
          `overlaps ${linesOf(overlapping)} in bucket ${target.bucket}: give each a prefix that is not part of another`,
        ]),
  ];
  return faults.length === 0 ? [] : [{ line: target.line, message: faults.join('; ') }];
}

function overlap(a: Target, b: Target): boolean {
  return a.bucket === b.bucket && (a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix));
}

function linesOf(targets: readonly Target[]): string {
  return `${targets.length === 1 ? 'line' : 'lines'} ${targets.map(({ line }) => line).join(', ')}`;
}
