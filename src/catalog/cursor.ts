/** Pages of a list: cursors that say after what to go on, opaque to whoever carries them. */
import { RollcallError } from '../errors.ts';
import type { Page, PageRequest } from '../sync/browse.ts';

const MOST = 1_000;

/** Checks the limit; BAD_INPUT names it. */
export function limitOf(page: PageRequest): number {
  if (Number.isInteger(page.limit) && page.limit >= 1 && page.limit <= MOST) return page.limit;
  throw new RollcallError('BAD_INPUT', `limit must be a whole number from 1 to ${MOST}`, { field: 'limit' });
}

/** The parts of a cursor, or null on the first page. BAD_INPUT unless each passes its test. */
export function cursorParts(page: PageRequest, tests: readonly ((part: string) => boolean)[]): string[] | null {
  if (page.cursor === undefined) return null;
  const parts = decode(page.cursor);
  if (parts?.length === tests.length && parts.every((part, i) => tests[i]?.(part))) return parts;
  throw new RollcallError('BAD_INPUT', 'cursor is not one that this list gave out', { field: 'cursor' });
}

/** A page from one item more than it may hold: that one only shows that there is a next page. */
export function pageOf<Item, View>(
  items: readonly Item[],
  limit: number,
  view: (item: Item) => View,
  partsOf: (last: Item) => readonly string[],
): Page<View> {
  const kept = items.slice(0, limit);
  const last = kept.at(-1);
  const nextCursor = last && items.length > limit ? encode(partsOf(last)) : null;
  return { items: kept.map(view), nextCursor };
}

/** PostgreSQL refuses to compare a uuid column with anything else. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** Any text that PostgreSQL takes. */
export function isText(text: string): boolean {
  return !text.includes('\0');
}

/** A time as Date.toISOString writes it. */
export function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** A whole number that PostgreSQL's bigint holds. */
export function isBigint(text: string): boolean {
  return /^\d{1,18}$/.test(text);
}

function encode(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

function decode(cursor: string): string[] | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) && parts.every((part) => typeof part === 'string') ? parts : null;
  } catch {
    return null;
  }
}
