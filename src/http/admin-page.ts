/** The admin page as it was built (vite.config.ts): one document, and files whose names change with their contents. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

export interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body, smaller; made when it is asked for first. */
  gzipped(): Uint8Array<ArrayBuffer>;
}

export interface AdminPage {
  readonly document: PageFile;
  /** By name. */
  readonly assets: ReadonlyMap<string, PageFile>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** The page that was built into this folder; null: none was, as where the sources run as they are. */
export function readAdminPage(folder: URL): AdminPage | null {
  const root = fileURLToPath(folder);
  // The page's sources have an index.html too.
  if (statSync(join(root, 'manifest.json'), { throwIfNoEntry: false }) === undefined) return null;
  const assets = readdirSync(join(root, 'assets'))
    .filter((name) => extname(name) in TYPES)
    .map((name) => [name, pageFile(join(root, 'assets', name))] as const);
  return { document: pageFile(join(root, 'index.html')), assets: new Map(assets) };
}

function pageFile(path: string): PageFile {
  const body = readFileSync(path);
  let small: Uint8Array<ArrayBuffer> | null = null;
  return {
    type: TYPES[extname(path)] ?? 'application/octet-stream',
    // Weak: of the body in whatever encoding.
    etag: `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    body,
    gzipped: () => {
      small ??= gzipSync(body, { level: 9 });
      return small;
    },
  };
}
