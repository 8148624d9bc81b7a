/** The texts of a listing's entries (listing-entries.ts) that are written in a less usual way. */

/** As S3 writes them. `Date.parse` reads much else, and what has no zone as this machine's time. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970; null: this is no time. */
export function timeOf(text: string): number | null {
  const time = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Undoes XML's references; null for one that it does not know. */
export function plainText(text: string): string | null {
  let unknown = false;
  const plain = text.replace(/&(?:(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]+);)?/gi, (_whole, name?: string) => {
    const known = name === undefined ? undefined : referenced(name);
    unknown ||= known === undefined;
    return known ?? '';
  });
  return unknown ? null : plain;
}

function referenced(name: string): string | undefined {
  if (!name.startsWith('#')) return Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
  const code = Number(/^#x/i.test(name) ? `0${name.slice(1)}` : name.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
