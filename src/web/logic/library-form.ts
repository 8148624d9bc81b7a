/** A library as a form has it, and as the API takes it. */
import type { Library, LibraryTrial } from '../api/types.ts';

export interface LibraryForm {
  readonly name: string;
  readonly root: string;
  readonly bucket: string;
  readonly prefix: string;
  /** A line each. */
  readonly excludes: string;
  readonly sync: Library['sync'];
}

export const EMPTY_FORM: LibraryForm = { name: '', root: '', bucket: '', prefix: '', excludes: '', sync: 'up' };

export function formOf({ name, root, bucket, prefix, excludes, sync }: Library): LibraryForm {
  return { name, root, bucket, prefix, excludes: excludes.join('\n'), sync };
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** People forget the slash; without it no prefix is taken. */
export function withSlash(prefix: string): string {
  const trimmed = prefix.trim();
  return trimmed === '' || trimmed.endsWith('/') ? trimmed : `${trimmed}/`;
}

/** Of a new library. What is left empty, the server has defaults for. */
export function newLibrary({ name, root, bucket, prefix, excludes, sync }: LibraryForm) {
  return {
    name: name.trim(),
    root: root.trim(),
    ...(bucket.trim() !== '' && { bucket: bucket.trim() }),
    ...(prefix.trim() !== '' && { prefix: withSlash(prefix) }),
    excludes: lines(excludes),
    sync,
  };
}

/** Only what was changed: bucket and prefix may be named only while there are no photos. */
export function libraryChange(before: Library, form: LibraryForm): Partial<Omit<Library, 'id'>> {
  const wanted: Omit<Library, 'id'> = {
    name: form.name.trim(),
    root: form.root.trim(),
    bucket: form.bucket.trim(),
    prefix: withSlash(form.prefix),
    excludes: lines(form.excludes),
    sync: form.sync,
  };
  const differs = ([name, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(before[name as keyof typeof wanted]);
  return Object.fromEntries(Object.entries(wanted).filter(differs));
}

/** What is asked of a check: where the library is, or is to be. */
export function placeOfForm({ root, bucket, prefix }: LibraryForm, library: Library | null) {
  // One that is there may have no prefix; of a new one, what is left empty is the server's.
  const keepsEmpty = library !== null;
  return {
    root: root.trim(),
    ...(bucket.trim() !== '' && { bucket: bucket.trim() }),
    ...((keepsEmpty || prefix.trim() !== '') && { prefix: withSlash(prefix) }),
  };
}

/** Would the library be somewhere else than it is? */
export function isElsewhere(before: Library, form: LibraryForm): boolean {
  const { root, bucket, prefix } = libraryChange(before, form);
  return root !== undefined || bucket !== undefined || prefix !== undefined;
}

export interface FieldNote {
  readonly tone: 'good' | 'warn' | 'bad';
  readonly text: string;
}

/** What a check has found, said at the fields that it is about. */
export function trialNotes({ root, bucket }: LibraryTrial): Readonly<Record<'root' | 'bucket', FieldNote>> {
  return {
    root: !root.ok
      ? { tone: 'bad', text: `❌ ${root.message ?? 'cannot be read'}` }
      : root.bare
        ? { tone: 'warn', text: '⚠️ The folder can be read, and is empty. Is its disk mounted?' }
        : { tone: 'good', text: '✅ The folder can be read' },
    bucket: bucket.ok
      ? { tone: 'good', text: '✅ The bucket answers' }
      : { tone: 'bad', text: `❌ ${bucket.message ?? 'does not answer'}` },
  };
}
