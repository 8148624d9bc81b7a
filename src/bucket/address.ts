/** Where a bucket's objects are addressed, read off addresses that the SDK has made. */

/** What a request is about: one of the bucket's objects, or the bucket itself. */
export type Addressed = { readonly key: string } | { readonly bucket: string };

/** As a request has it: what follows the host's name, without the query. */
export interface Address {
  readonly hostname: string;
  readonly path: string;
}

/** What stands before the keys, by the address of one. */
export function pathBefore({ path }: Pick<Address, 'path'>, key: string): string | null {
  const end = encoded(key);
  return path.endsWith(`/${end}`) ? path.slice(0, -end.length) : null;
}

/** What stands before the keys, by the address of their bucket: in its path, or else alone in its host's name. */
export function pathOfBucket({ path, hostname }: Address, bucket: string): string | null {
  const folder = path.endsWith('/') ? path : `${path}/`;
  if (folder.endsWith(`/${encoded(bucket)}/`)) return folder;
  return folder === '/' && hostname.startsWith(`${bucket}.`) ? folder : null;
}

/** A key as it stands in an address: what RFC 3986 does not reserve stays, and the slashes. */
export function encoded(key: string): string {
  const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(key)
    .replace(/[!'()*]/g, percent)
    .replaceAll('%2F', '/');
}
