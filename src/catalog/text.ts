/** Text and JSON as PostgreSQL can store them: without NUL, without lone surrogates, without bigints. */

/** PostgreSQL refuses text with a NUL byte, and one odd message must not cost a batch of rows. */
export function storable(text: string): string;
export function storable(text: string | null | undefined): string | null;
export function storable(text: string | null | undefined): string | null {
  return text?.replaceAll('\0', '').toWellFormed() ?? null;
}

/** A value as jsonb can hold it: bigints (mtimeNs, inode) become strings of digits. */
export function storableJson(value: object): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    return typeof part === 'string' ? storable(part) : part;
  });
}
