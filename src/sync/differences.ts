/** What was found to differ by reading it: kept while the process runs, so that a schedule does not read it each time. */
import type { AdoptAction } from './actions.ts';

/** More than anybody has conflicts; the oldest are forgotten, and read again. */
const REMEMBERED = 100_000;

export class Differences {
  readonly #found = new Map<string, { readonly versions: string; readonly message: string }>();

  /** These very versions of file and object were compared, and this is why they are a conflict. */
  remember(libraryId: string, action: AdoptAction, message: string): void {
    const [oldest] = this.#found.keys();
    if (this.#found.size >= REMEMBERED && oldest !== undefined) this.#found.delete(oldest);
    this.#found.set(placeOf(libraryId, action), { versions: versionsOf(action), message });
  }

  /** Why these versions are a conflict, if they were compared before; null: they have to be read. */
  of(libraryId: string, action: AdoptAction): string | null {
    const found = this.#found.get(placeOf(libraryId, action));
    return found?.versions === versionsOf(action) ? found.message : null;
  }
}

function placeOf(libraryId: string, { key }: AdoptAction): string {
  return `${libraryId} ${key}`;
}

function versionsOf({ local, object }: AdoptAction): string {
  return [local.size, local.mtimeNs, local.device, local.inode, object.size, object.etag].join(' ');
}
