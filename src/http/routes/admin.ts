/** The admin page at its addresses, and what it is made of. Not in the OpenAPI document: it is nothing to call. */
import type { Context } from 'hono';
import { RollcallError } from '../../errors.ts';
import type { AdminPage, PageFile } from '../admin-page.ts';
import type { App } from '../openapi.ts';
import { ASSETS_PATH, PAGE_PATHS } from '../page-paths.ts';
import type { HttpEnv, HttpParts } from '../parts.ts';

/** Libraries whose buckets are looked up; more than these share a few buckets in all likelihood. */
const MOST_LIBRARIES = 200;
const YEAR = 'public, max-age=31536000, immutable';

/** Everything of the page; `/` too, which pages.ts has without it. */
export function adminRoutes(app: App, parts: HttpParts, page: AdminPage): void {
  for (const path of PAGE_PATHS) {
    if (path !== '/') app.get(path, (c) => adminDocument(c, parts, page));
  }
  app.get(`${ASSETS_PATH}:name`, (c) => {
    const file = page.assets.get(c.req.param('name'));
    if (file === undefined) throw new RollcallError('NOT_FOUND', `there is nothing at ${c.req.path}; reload the page`);
    return answerFile(c, file, YEAR);
  });
}

/** The document. Browsers ask for it again each time: it names the other files, which they keep. */
export async function adminDocument(c: Context<HttpEnv>, parts: HttpParts, page: AdminPage): Promise<Response> {
  c.set('imageSources', await bucketOrigins(parts));
  return answerFile(c, page.document, 'no-cache');
}

function answerFile(c: Context<HttpEnv>, file: PageFile, cacheControl: string): Response {
  const headers = {
    'Content-Type': file.type,
    'Cache-Control': cacheControl,
    ETag: file.etag,
    Vary: 'Accept-Encoding',
  };
  if (c.req.header('If-None-Match') === file.etag) return c.body(null, 304, headers);
  const takesGzip = /\bgzip\b/.test(c.req.header('Accept-Encoding') ?? '');
  if (!takesGzip) return c.body(file.body, 200, headers);
  return c.body(file.gzipped(), 200, { ...headers, 'Content-Encoding': 'gzip' });
}

/**
 * Where browsers read pictures from: the buckets of the libraries, as addresses that are signed for them have it.
 * While the database is down, that of the server's own.
 */
async function bucketOrigins({ libraries, defaults, openBucket }: HttpParts): Promise<readonly string[]> {
  const known = await libraries.list({ limit: MOST_LIBRARIES }).catch(() => ({ items: [] }));
  const buckets = new Set([...known.items.map(({ bucket }) => bucket), defaults.bucket]);
  const origins = await Promise.all([...buckets].map((bucket) => originOf(bucket, openBucket)));
  return [...new Set(origins.filter((origin) => origin !== null))];
}

/** Null: nothing can be signed for it, for want of credentials, and so no picture shown. */
async function originOf(bucket: string, openBucket: HttpParts['openBucket']): Promise<string | null> {
  try {
    return new URL(await openBucket(bucket).presign('.', { expiresSeconds: 60 })).origin;
  } catch {
    return null;
  }
}
