/** JSON answers. Bigints (nanoseconds, device and inode numbers) are strings in JSON: a double cannot hold them. */
import type { Context, TypedResponse } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { JSONParsed } from 'hono/utils/types';
import type { Page } from '../sync/browse.ts';
import type { HttpEnv } from './parts.ts';

/** A type as it is once bigints have become strings. */
export type BigintsAsText<T> = T extends bigint
  ? string
  : T extends object
    ? { [Key in keyof T]: BigintsAsText<T[Key]> }
    : T;

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
}

/** Answers `body` as JSON; its type is held against the route's schema at compile time. */
export function answer<Body, const Status extends ContentfulStatusCode>(
  c: Context<HttpEnv>,
  body: Body,
  status: Status,
  headers: Record<string, string> = {},
): TypedResponse<JSONParsed<BigintsAsText<Body>>, Status, 'json'> {
  const response = c.body(toJson(body), status, { 'Content-Type': 'application/json', ...headers });
  return response as unknown as TypedResponse<JSONParsed<BigintsAsText<Body>>, Status, 'json'>;
}

/** A page of a list under the list's own name (DESIGN 12). */
export function listOf<const Name extends string, Item>(name: Name, page: Page<Item>) {
  return { [name]: page.items, nextCursor: page.nextCursor } as { readonly [Key in Name]: readonly Item[] } & {
    readonly nextCursor: string | null;
  };
}
