/** A library as a form has it, and as the API takes it. */
import type { Library } from '../api/types.ts';

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
