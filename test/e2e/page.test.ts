import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { builtCli } from '../support/built.ts';
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
  // Neither a fault of the page's own nor anything that its policy had to keep out.
  expect(world.faults.splice(0)).toEqual([]);
});

/** Puts an album on both sides and opens it. */
async function openAlbum(name: string, files: readonly string[]): Promise<Page> {
  for (const file of files) world.write(`${name}/${file}`);
  await world.post('/api/sync', { album: name });
  const page = await world.open('/albums');
  await page.getByRole('link', { name: new RegExp(`^${name}`) }).click();
  await sees(page, 'identical');
  return page;
}

describe('the first visit', () => {
  test('says that nothing is on record, shows a plan, carries it out, and says that the photos are safe', async () => {
    for (const path of ['first/1.jpg', 'first/2.jpg', 'second/3.jpg']) world.write(path);
    const page = await world.open('/');
    await sees(page, 'No photos are on record yet.');
    await page.getByRole('link', { name: 'Sync…' }).click();
    await button(page, 'Preview').click();
    await sees(page, /^3 steps, \d+ B to transfer/);
    const group = page.locator('details.group', { hasText: 'New' });
    await group.locator('summary').click();
    await sees(page, 'first/1.jpg');
    await button(page, 'Apply').click();
    await page.waitForURL('**/runs/*');
    await page.locator('.figures').waitFor();
    await page.locator('.lead', { hasText: 'Succeeded' }).waitFor();
    await page.reload();
    await page.locator('.figures', { hasText: 'Uploaded' }).waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await sees(page, 'All 3 photos are safe on both sides.');
    await page.getByRole('link', { name: /^3 Synced/ }).click();
    await page.waitForURL('**/photos?state=synced');
    await sees(page, 'second/3.jpg');
  });

  test('does not wait for the albums to show itself', async () => {
    const page = await browser.newPage();
    try {
      await page.route('**/api/albums?*', () => {});
      await page.goto(`${world.address}/albums`);
      await page.getByRole('heading', { name: 'Albums' }).waitFor();
      await page.getByRole('searchbox', { name: 'Search' }).waitFor();
    } finally {
      await page.close();
    }
  });
});

describe('the S3 manager of an album', () => {
  test('compares, sends what is missing in S3, and says so at each step', async () => {
    const page = await openAlbum('up', ['1.jpg']);
    for (const n of [2, 3, 4, 5, 6]) world.write(`up/${n}.jpg`);
    const gate = Promise.withResolvers<void>();
    // Whichever way the comparison asks the bucket, it is not answered yet.
    world.proxy.fail(() => ({ kind: 'after', first: () => gate.promise }));
    await button(page, '☁️ Sync to S3').click();
    expect(await button(page, '🔍 Comparing…').count()).toBe(3);
    expect(await button(page, '🔍 Comparing…').first().isDisabled()).toBe(true);
    gate.resolve();
    await sees(page, 'ℹ️ Syncing 5 files to S3...');
    await sees(page, '✅ Successfully uploaded 5 images to S3');
    await sees(page, '6 files identical');
    await page.locator('.cell', { hasText: '6.jpg' }).waitFor();
    await button(page, '☁️ Sync to S3').click();
    await sees(page, '✅ All files are already synced to S3!');
  });

  test('shows that it is at work, and lets nothing else begin', async () => {
    const page = await openAlbum('work', ['1.jpg']);
    world.write('work/2.jpg');
    const gate = Promise.withResolvers<void>();
    world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first: () => gate.promise } : null));
    await button(page, '☁️ Sync to S3').click();
    await button(page, '⏳ Syncing…').waitFor();
    expect(await button(page, '⬇️ Sync from S3').isDisabled()).toBe(true);
    gate.resolve();
    await sees(page, '✅ Successfully uploaded 1 image to S3');
    await button(page, '☁️ Sync to S3').waitFor();
  });

  test('fetches what is missing on disk', async () => {
    const page = await openAlbum('down', ['1.jpg']);
    for (const n of [2, 3, 4]) await world.put(`photos/down/${n}.jpg`, 'there');
    await button(page, '⬇️ Sync from S3').click();
    await sees(page, 'ℹ️ Syncing 3 files from S3...');
    await sees(page, '✅ Successfully synced 3 images from S3');
    await button(page, '⬇️ Sync from S3').click();
    await sees(page, '✅ All files are already synced from S3!');
  });

  test('asks before it replaces what differs', async () => {
    const page = await openAlbum('differs', ['1.jpg']);
    await world.put('photos/differs/1.jpg', 'somebody else wrote this');
    await button(page, '⬇️ Sync from S3').click();
    await page.getByRole('dialog', { name: 'Replace 1 file on disk?' }).waitFor();
    await button(page, 'Cancel').click();
    await sees(page, /1 file different/);
  });

  test('removes what was selected from S3, once it is confirmed, and keeps the files', async () => {
    const page = await openAlbum('gone', ['1.jpg', '2.jpg', '3.jpg']);
    expect(await button(page, '🗑️ Remove from S3').isDisabled()).toBe(true);
    await page.getByRole('checkbox', { name: '1.jpg' }).check();
    await page.getByRole('checkbox', { name: '2.jpg' }).check();
    await button(page, '🗑️ Remove from S3').click();
    const dialog = page.getByRole('dialog', { name: 'Remove 2 objects from S3?' });
    await dialog.getByRole('button', { name: 'Remove from S3' }).click();
    await sees(page, '✅ Successfully removed 2 images from S3');
    await sees(page, /2 files missing in S3/);
  });

  test('says why it failed', async () => {
    const page = await openAlbum('denied', ['1.jpg']);
    world.write('denied/2.jpg');
    world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'answer', status: 403 } : null));
    await button(page, '☁️ Sync to S3').click();
    await page
      .getByRole('alert')
      .getByText(/^❌ Failed to sync to S3: 2\.jpg: /)
      .waitFor();
  });
});

describe('an object deleted behind its back', () => {
  test('is seen to be gone on the page of its photo, and uploaded again from there', async () => {
    const page = await openAlbum('behind', ['1.jpg']);
    await world.remove('photos/behind/1.jpg');
    await page.getByRole('link', { name: '1.jpg, synced' }).click();
    const side = page.locator('.sides section', { hasText: 'In the bucket' });
    await side.getByText('Gone').waitFor();
    await button(page, 'Re-upload').click();
    await sees(page, '✅ Successfully uploaded 1 image to S3');
    await side.getByText('There').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('');
  });
});

describe('a run', () => {
  test('shows an upload that failed with its cause, and retries it', async () => {
    world.write('cause/good.jpg');
    world.write('cause/bad.jpg');
    world.proxy.fail(({ method, path }) =>
      method === 'PUT' && path.endsWith('/bad.jpg') ? { kind: 'answer', status: 403 } : null,
    );
    const report = (await world.post('/api/sync', { album: 'cause' })) as { runId: string };
    const page = await world.open(`/runs/${report.runId}`);
    await page.locator('.lead', { hasText: 'Partly failed' }).waitFor();
    const cause = page.locator('.causes', { hasText: 'OBJECT_DENIED' });
    await cause.getByText('Give these credentials the right').waitFor();
    await cause.getByText('cause/bad.jpg', { exact: true }).waitFor();
    world.proxy.fail(() => null);
    await button(page, 'Retry cause/bad.jpg').click();
    await sees(page, '✅ cause/bad.jpg is settled');
  });

  test('can be cancelled while it goes, and says so', async () => {
    for (let n = 0; n < 40; n++) world.write(`long/${n}.jpg`);
    const { promise: asked, resolve: noteAsked } = Promise.withResolvers<void>();
    const first = () => asked.then(() => pause(1_000));
    world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first } : null));
    const page = await world.open('/sync');
    await button(page, 'Preview').click();
    await button(page, 'Apply').click();
    await page.waitForURL('**/runs/*');
    await page.locator('.live').waitFor();
    const answered = page.waitForResponse(/\/cancel$/);
    await button(page, 'Cancel').click();
    await answered;
    noteAsked();
    await page.locator('.problem', { hasText: 'CANCELLED' }).waitFor();
  });
});

describe('errors', () => {
  test('say what to do, and go when what was wrong is right again', async () => {
    const page = await world.open('/sync');
    world.proxy.fail(() => ({ kind: 'answer', status: 403 }));
    await button(page, 'Preview').click();
    await page.locator('.problem', { hasText: 'BUCKET_DENIED' }).waitFor();
    await sees(page, /Give these credentials the right to list/);
    world.proxy.fail(() => null);
    await button(page, 'Try again').click();
    await sees(page, 'The plan');
  });
});

describe('libraries', () => {
  test('are checked before they are saved, each field says what is wrong with it; changed, and forgotten', async () => {
    const page = await world.open('/libraries/new');
    await page.getByLabel('Name').fill('Second');
    await page.getByLabel('Root').fill('/nowhere/at/all');
    await page.getByLabel('Bucket').fill('no-such-bucket-anywhere');
    await page.getByLabel('Prefix').fill('second');
    await button(page, 'Only check').click();
    const [root, bucket] = ['Root', 'Bucket'].map((label) => page.locator('.field', { hasText: label }).first());
    await root!.getByText(/^❌ .*\/nowhere\/at\/all/).waitFor();
    await bucket!.getByText(/^❌ .*no-such-bucket-anywhere/).waitFor();
    expect(await page.getByLabel('Root').getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('Root').fill(join(world.cli.dir, 'photos'));
    await page.getByLabel('Bucket').fill('');
    await page.getByLabel('Prefix').fill('photos/inside');
    await button(page, 'Check and save').click();
    await root!.getByText('✅ The folder can be read').waitFor();
    await bucket!.getByText('✅ The bucket answers').waitFor();
    await page
      .locator('.field', { hasText: 'Prefix' })
      .getByText(/^❌ .* overlaps library/)
      .waitFor();
    await page.getByLabel('Prefix').fill('second');
    await button(page, 'Check and save').click();
    await page.waitForURL('**/libraries');
    await page.getByRole('link', { name: 'Second' }).click();
    await page.getByLabel('Name').fill('photos');
    await button(page, 'Check and save').click();
    await page
      .locator('.field', { hasText: 'Name' })
      .getByText(/^❌ .*already/)
      .waitFor();
    await page.getByLabel('Name').fill('Renamed');
    await page.getByLabel('Excludes').fill('*.xmp\n\nprivate/');
    await button(page, 'Check and save').click();
    await sees(page, '✅ Renamed is saved');
    await page.getByRole('link', { name: 'Renamed' }).click();
    expect(await page.getByLabel('Excludes').inputValue()).toBe('*.xmp\nprivate/');
    await button(page, 'Forget…').click();
    await button(page, 'Forget it').click();
    await page.waitForURL('**/libraries');
    await page.getByRole('link', { name: 'Renamed' }).waitFor({ state: 'detached' });
  });
});

describe('the bundle', () => {
  test('is under 200 kB', async () => {
    const built = join(await builtCli(), '../../dist/web/assets');
    const sizes = readdirSync(built).map((name) => gzipSync(readFileSync(join(built, name))).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000);
  });
});

describe('with API_TOKEN', () => {
  test('the page asks for the token, refuses a wrong one, and keeps the right one over a reload', async () => {
    const token = 'correct-horse-battery-staple';
    const guarded = await pageWorld(browser, { API_TOKEN: token });
    try {
      const page = await guarded.open('/runs');
      const field = page.getByLabel('Token');
      await field.fill('almost-the-right-token');
      await button(page, 'Open').click();
      await sees(page, 'This is not the token.');
      await field.fill(token);
      await button(page, 'Open').click();
      await page.getByRole('heading', { name: 'Runs' }).waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'Runs' }).waitFor();
      expect(guarded.faults).toEqual([]);
    } finally {
      await guarded.close();
    }
  });
});
