import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { button, type PageWorld, pageWorld, sees, startBrowser } from './page-world.ts';

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
  world.proxy.fail(() => null);
  expect(world.faults.splice(0)).toEqual([]);
});

async function albumId(path: string): Promise<string> {
  const { albums } = (await (await fetch(`${world.address}/api/albums?limit=1000`)).json()) as {
    albums: { id: string; path: string }[];
  };
  return albums.find((album) => album.path === path)!.id;
}

/** A preview of an album that has one photo on record already. */
async function previewAlbum(name: string, files: readonly string[]) {
  world.write(`${name}/known.jpg`);
  await world.post('/api/sync', { album: name });
  const id = await albumId(name);
  for (const file of files) world.write(`${name}/${file}`);
  const page = await world.open(`/sync?album=${id}`);
  await button(page, 'Preview').click();
  await page.getByRole('heading', { name: 'The plan' }).waitFor();
  return page;
}

const keysOf = async (album: string) => (await world.keys()).filter((key) => key.startsWith(`photos/${album}/`)).length;

describe('a preview', () => {
  test('is carried out as it was shown; what has changed by then is left and told, what has come is not touched', async () => {
    const page = await previewAlbum('exact', ['1.jpg', '2.jpg', '3.jpg']);
    await sees(page, /^3 steps, \d+ B to transfer/);
    world.write('exact/2.jpg', 'edited after the preview');
    world.write('exact/later.jpg');
    await world.post('/api/s3/upload', { album: 'exact', images: ['3.jpg'] });
    await button(page, 'Apply').click();
    await page.waitForURL('**/runs/*');
    await page.locator('.lead', { hasText: 'Partly failed' }).waitFor();
    await page.locator('.causes', { hasText: 'PLAN_STALE' }).getByText('exact/3.jpg', { exact: true }).waitFor();
    // The photo on record, the one of the plan that held, and the one that was sent by hand.
    expect(await keysOf('exact')).toBe(3);
    await page.goBack();
    await page.getByRole('link', { name: 'This plan was carried out' }).waitFor();
    expect(await button(page, 'Apply').count()).toBe(0);
  });

  test('goes on in the server while the page is loaded anew, and can be stopped', async () => {
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    world.proxy.fail(() => ({ kind: 'after', first: () => held }));
    const page = await world.open('/sync');
    await button(page, 'Preview').click();
    await button(page, 'Stop looking').waitFor();
    await page.reload();
    await button(page, 'Stop looking').waitFor();
    expect(await page.getByRole('combobox', { name: /^Direction/ }).isDisabled()).toBe(true);
    const other = await world.open(new URL(page.url()).pathname + new URL(page.url()).search);
    await button(other, 'Stop looking').click();
    for (const tab of [page, other]) await sees(tab, 'Stopped. Nothing was touched.');
    letGo();
    await button(page, 'Preview again').click();
    await page.getByRole('heading', { name: 'The plan' }).waitFor();
  });

  test('in two tabs is carried out by one of them; the other says so', async () => {
    const page = await previewAlbum('tabs', ['1.jpg']);
    const other = await world.open(new URL(page.url()).pathname + new URL(page.url()).search);
    await button(other, 'Apply').waitFor();
    await button(page, 'Apply').click();
    await page.locator('.lead', { hasText: 'Succeeded' }).waitFor();
    await button(other, 'Apply').click();
    await other.getByRole('link', { name: 'This plan was carried out' }).click();
    await other.locator('.lead', { hasText: 'Succeeded' }).waitFor();
  });

  test('of other choices is another one', async () => {
    const page = await previewAlbum('choices', ['1.jpg']);
    await page.getByRole('combobox', { name: /^Direction/ }).selectOption('down');
    await page.getByRole('heading', { name: 'The plan' }).waitFor({ state: 'detached' });
    expect(new URL(page.url()).searchParams.get('preview')).toBeNull();
    await button(page, 'Preview').click();
    await sees(page, /^Nothing to do/);
  });

  test('of thousands of steps holds no more of them than what is in sight, and shows the last', async () => {
    const page = await previewAlbum(
      'large',
      Array.from({ length: 1_500 }, (_, n) => `${String(n).padStart(4, '0')}.jpg`),
    );
    await sees(page, /^1,500 steps/);
    await page.locator('details.group', { hasText: 'New' }).locator('summary').click();
    await sees(page, 'large/0000.jpg');
    expect(await page.locator('.steps-of-plan li').count()).toBeLessThan(60);
    await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
    await sees(page, 'large/1499.jpg');
    expect(await page.locator('.steps-of-plan li').count()).toBeLessThan(60);
    // Nobody after this has to send them.
    rmSync(join(world.cli.dir, 'photos/large'), { recursive: true });
  });

  test('that is gone says so, and can be made again', async () => {
    const page = await world.open('/sync?preview=0d1f0a52-6f0f-4d39-bd0c-1c7c7c7b0a01');
    await page.locator('.problem', { hasText: 'NOT_FOUND' }).waitFor();
    await button(page, 'Try again').click();
    await page.getByRole('heading', { name: 'The plan' }).waitFor();
  });
});

describe('a run', () => {
  test('shows a bar for each album while it goes, and can be cancelled', async () => {
    for (const album of ['bars-a', 'bars-b']) for (let n = 0; n < 40; n++) world.write(`${album}/${n}.jpg`);
    const { promise: asked, resolve: noteAsked } = Promise.withResolvers<void>();
    const first = () => asked.then(() => pause(1_000));
    world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first } : null));
    const page = await world.open('/sync');
    await button(page, 'Preview').click();
    await button(page, 'Apply').click();
    await page.waitForURL('**/runs/*');
    await page.getByRole('progressbar', { name: 'Progress of bars-a' }).waitFor();
    await page.getByRole('progressbar', { name: 'Progress of bars-b' }).waitFor();
    const answered = page.waitForResponse(/\/cancel$/);
    await button(page, 'Cancel').click();
    await answered;
    noteAsked();
    await page.locator('.problem', { hasText: 'CANCELLED' }).waitFor();
  });

  test('retries a path alone', async () => {
    for (const name of ['good', 'bad']) world.write(`alone/${name}.jpg`);
    world.proxy.fail(({ method, path }) =>
      method === 'PUT' && path.endsWith('/bad.jpg') ? { kind: 'answer', status: 403 } : null,
    );
    const { runId } = (await world.post('/api/sync', { album: 'alone' })) as { runId: string };
    world.write('alone/new.jpg');
    const page = await world.open(`/runs/${runId}`);
    await button(page, 'Retry alone/bad.jpg').click();
    await page
      .getByRole('alert')
      .getByText(/^❌ alone\/bad\.jpg: /)
      .waitFor();
    world.proxy.fail(() => null);
    await button(page, 'Retry alone/bad.jpg').click();
    await sees(page, '✅ alone/bad.jpg is settled');
    expect(await keysOf('alone')).toBe(2);
  });

  test('is one line of a library, without the parts that it was spread over', async () => {
    for (const album of ['spread-a', 'spread-b']) world.write(`${album}/1.jpg`);
    const { libraries } = (await (await fetch(`${world.address}/api/libraries`)).json()) as {
      libraries: { id: string }[];
    };
    const library = libraries[0]!.id;
    const { runId } = (await world.post('/api/sync', { library })) as { runId: string };
    const page = await world.open(`/runs?library=${library}&kind=sync`);
    await page.locator(`a[href="/runs/${runId}"]`).waitFor();
    expect(await page.getByRole('link', { name: /: spread-/ }).count()).toBe(0);
    await page.getByLabel('With the parts of runs').check();
    await page.getByRole('link', { name: /: spread-a/ }).waitFor();
  });
});

describe('lists', () => {
  test('come by themselves when the server can be reached again', async () => {
    await world.post('/api/sync', {});
    const page = await world.open('/');
    await sees(page, 'Health');
    await page.context().setOffline(true);
    await page.getByRole('link', { name: 'All runs' }).click();
    await sees(page, 'The server cannot be reached.');
    await page.context().setOffline(false);
    await page.getByRole('row').nth(1).waitFor();
    expect(await page.locator('.problem').count()).toBe(0);
  });
});

describe('the archive', () => {
  test('shows what waits, asks for it, and how far it is', async () => {
    world.write('frozen/1.jpg');
    await world.post('/api/sync', { album: 'frozen' });
    await world.archive('photos/frozen/1.jpg');
    world.rename('frozen/1.jpg', 'thawing/1.jpg');
    await world.post('/api/sync', {});
    const page = await world.open('/archive');
    const row = page.getByRole('row', { name: /frozen\/1\.jpg/ });
    await row.getByText('To be asked for').waitFor();
    await button(page, 'Restore…').click();
    const dialog = page.getByRole('dialog', { name: 'Restore 1 object?' });
    await dialog.getByLabel('Readable for days').fill('3');
    await dialog.getByLabel('How fast').selectOption('Bulk');
    await dialog.getByRole('button', { name: 'Restore' }).click();
    await sees(page, '✅ Asked for 1 object');
    await row.getByText('Being restored').waitFor();
    await button(page, 'Ask how far they are').click();
    await row.getByText(/Being restored|Can be read/).waitFor();
    await button(page, 'Ask how far they are').waitFor();
  });
});
