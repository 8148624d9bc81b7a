import { join } from 'node:path';
import { Client } from 'pg';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type PageWorld, pageWorld, sees, seriousIssues, startBrowser } from './page-world.ts';

let browser: Browser;
let world: PageWorld;
beforeAll(async () => {
  browser = await startBrowser();
  world = await pageWorld(browser);
});
afterAll(async () => {
  await world?.close();
  await browser?.close();
});
afterEach(() => {
  // Neither a fault of the page's own nor anything that its policy had to keep out.
  expect(world.faults.splice(0)).toEqual([]);
});

describe('every view', () => {
  const VIEWS = [
    '/',
    '/albums',
    '/photos',
    '/photos?state=lost',
    '/sync',
    '/runs',
    '/archive',
    '/libraries',
    '/libraries/new',
  ];

  /** Those of the catalog too: an album, one of its photos over it and on a page of its own, a run that failed. */
  async function allViews(): Promise<string[]> {
    for (const file of ['1.jpg', '2.jpg']) world.write(`views/${file}`);
    await world.post('/api/sync', { album: 'views' });
    world.write('views/3.jpg');
    world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'answer', status: 403 } : null));
    const { runId } = (await world.post('/api/sync', { album: 'views' })) as { runId: string };
    world.proxy.fail(() => null);
    const { photos } = (await (await fetch(`${world.address}/api/photos?limit=1000`)).json()) as {
      photos: { id: string; albumId: string; path: string }[];
    };
    const photo = photos.find(({ path }) => path === 'views/1.jpg')!;
    const album = `/albums/${photo.albumId}`;
    const preview = (await world.post('/api/sync', { dryRun: true })) as { runId: string };
    const own = [album, `${album}?photo=${photo.id}`, `/photos/${photo.id}`, `/runs/${runId}`];
    return [...VIEWS, ...own, `/sync?preview=${preview.runId}`, `/runs/${preview.runId}`];
  }

  /** Told where to, it leaves what it saw there, for people: PAGE_SHOTS=folder. */
  async function show(page: Page, path: string, look: string): Promise<void> {
    await page.goto(`${world.address}${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator('.waiting').first().waitFor({ state: 'detached' });
    const folder = process.env['PAGE_SHOTS'];
    if (folder) await page.screenshot({ path: join(folder, `${look}${path.replaceAll(/[^a-z?=]+/g, '-')}.png`) });
  }

  test.each(['light', 'dark'] as const)('has no serious issue in axe, %s', async (colorScheme) => {
    const views = await allViews();
    const page = await world.open('/', { colorScheme });
    for (const path of views) {
      await show(page, path, colorScheme);
      // Colours are all that differs between the two.
      expect(await seriousIssues(page, colorScheme === 'dark' ? ['color-contrast'] : null), path).toEqual([]);
    }
  });

  test('fits a phone', async () => {
    const page = await world.open('/', { viewport: { width: 360, height: 740 } });
    for (const path of await allViews()) {
      await show(page, path, 'phone');
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(360);
    }
  });

  test('is dark where that is asked for', async () => {
    const page = await world.open('/');
    await sees(page, 'Health');
    const paper = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await paper();
    await page.getByLabel('Appearance').selectOption('dark');
    expect(await paper()).not.toBe(light);
    await page.reload();
    await sees(page, 'Health');
    expect(await paper()).not.toBe(light);
    const { channels } = await sharp(await page.screenshot()).stats();
    for (const { mean } of channels.slice(0, 3)) expect(mean).toBeLessThan(80);
  });
});

describe('a large library', () => {
  const ALBUMS = 5_000;
  const PHOTOS = 50_000;

  async function fill(): Promise<string> {
    const client = new Client({ connectionString: world.database.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ id: string }>(
        `WITH l AS (INSERT INTO "Library" ("name", "root", "bucket", "prefix")
                    VALUES ('Large', '/nowhere', $1, 'large/') RETURNING "id"),
              a AS (INSERT INTO "Album" ("libraryId", "path")
                    SELECT l."id", 'large/' || n FROM l, generate_series(1, $2::int) AS n RETURNING "id", "libraryId", "path"),
              p AS (INSERT INTO "Photo" ("libraryId", "albumId", "path", "fileName", "bucket", "key", "kind", "contentType", "size",
                                         "mtimeNs", "state")
                    SELECT a."libraryId", a."id", f.path, f.name, $1, 'large/' || f.path, 'image', 'image/jpeg', 1000, 0, 'synced'
                      FROM a, generate_series(1, CASE a."path" WHEN 'large/1' THEN $3::int ELSE 1 END) AS n,
                      LATERAL (SELECT a."path" || '/' || lpad(n::text, 6, '0') || '.jpg' AS path, lpad(n::text, 6, '0') || '.jpg' AS name) AS f)
         SELECT "id" FROM a WHERE "path" = 'large/1'`,
        [world.s3.bucket, ALBUMS, PHOTOS],
      );
      return rows[0]!.id;
    } finally {
      await client.end();
    }
  }

  test('of 5,000 albums, one with 50,000 photos, holds no more than what is in sight', async () => {
    const id = await fill();
    const page = await world.open('/albums?q=large');
    await sees(page, /^5,000 (of 5,001 )?albums$/);
    expect(await page.locator('.album').count()).toBeLessThan(60);
    await page.getByRole('searchbox', { name: 'Search' }).fill('large 4999');
    await sees(page, /^1 of 5,/);
    await page.goto(`${world.address}/albums/${id}`);
    await page.locator('.cell', { hasText: '000001.jpg' }).waitFor();
    await page.evaluate('scrollTo(0, 60000)');
    await page
      .locator('.cell', { hasText: /002\d\d\d\.jpg/ })
      .first()
      .waitFor();
    expect(await page.locator('.grid li').count()).toBeLessThan(150);
    await page.locator('.grid li a').first().focus();
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate('document.activeElement.closest("li") !== null')).toBe(true);
  });
});
