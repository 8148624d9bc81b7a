/** A real browser before a real server, with a real PostgreSQL, and a real bucket behind a proxy that can have bad days. */
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CopyObjectCommand, DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { type Browser, chromium, type Page } from 'playwright-core';
import { chromiumLaunch } from '../support/chromium.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { type CliWorld, cliWorld, type Running } from './cli-world.ts';

export interface PageWorld {
  readonly cli: CliWorld;
  readonly s3: TestS3;
  readonly proxy: FaultProxy;
  readonly database: TestDatabase;
  readonly address: string;
  /** A tab of its own, with nothing kept from another; what goes wrong in it is in `faults`. */
  open(path: string, options?: Parameters<Browser['newPage']>[0]): Promise<Page>;
  readonly faults: string[];
  /** A photo on disk. */
  write(path: string, content?: string): void;
  /** What the API answers. */
  post(path: string, body: object): Promise<unknown>;
  remove(key: string): Promise<void>;
  put(key: string, body: string): Promise<void>;
  /** As a lifecycle rule does: the same object in an archive. */
  archive(key: string): Promise<void>;
  keys(): Promise<string[]>;
  /** A photo on disk, to another name. */
  rename(from: string, to: string): void;
  close(): Promise<void>;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What npm brings along: nothing is installed by hand, and nothing fetched. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch(await chromiumLaunch());
}

/** A server over a folder `photos`, which is still empty. */
export async function pageWorld(browser: Browser, env: Readonly<Record<string, string>> = {}): Promise<PageWorld> {
  const [cli, s3, database] = await Promise.all([cliWorld(), startTestS3(), createTestDatabase()]);
  const proxy = await startFaultProxy(s3.endpoint);
  Object.assign(cli.env, {
    PORT: '0',
    DATABASE_URL: database.url,
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: proxy.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    PHOTOS_ROOT: `${cli.dir}/photos`,
    ...env,
  });
  cli.write('photos/.keep.tmp', '');
  const server = cli.start('serve');
  await server.says('Ctrl-C stops everything.');
  const address = addressOf(server);
  const faults: string[] = [];
  const pages: Page[] = [];
  return {
    cli,
    s3,
    proxy,
    database,
    address,
    faults,
    async open(path, options) {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
      pages.push(page);
      page.setDefaultTimeout(20_000);
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        // The browser itself tells of every answer that is an error: those the tests look for.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
          faults.push(message.text());
        }
      });
      await page.goto(`${address}${path}`);
      return page;
    },
    write: (path, content = path) => cli.write(`photos/${path}`, content),
    async post(path, body) {
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    async remove(key) {
      await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: key }));
    },
    async put(key, body) {
      await s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: key, Body: body }));
    },
    async archive(key) {
      const archived = {
        Bucket: s3.bucket,
        Key: key,
        CopySource: `${s3.bucket}/${key}`,
        StorageClass: 'GLACIER',
      } as const;
      await s3.client.send(new CopyObjectCommand(archived));
    },
    async keys() {
      const keys: string[] = [];
      for (let token: string | undefined; ; ) {
        const page = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket, ContinuationToken: token }));
        keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
        token = page.NextContinuationToken;
        if (token === undefined) return keys;
      }
    },
    rename(from, to) {
      mkdirSync(dirname(join(cli.dir, 'photos', to)), { recursive: true });
      renameSync(join(cli.dir, 'photos', from), join(cli.dir, 'photos', to));
    },
    async close() {
      for (const page of pages) await page.close();
      server.process.kill('SIGINT');
      await server.ended;
      cli.close();
      await proxy.close();
      await s3.close();
      await database.drop();
    },
  };
}

function addressOf(server: Running): string {
  return /is up at (http:\/\/\S+)/.exec(server.said())?.[1] ?? '';
}

/** Waits until this text is there. */
export async function sees(page: Page, text: string | RegExp): Promise<void> {
  await page.getByText(text).first().waitFor();
}

export function button(page: Page, name: string | RegExp) {
  return page.getByRole('button', { name });
}

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe finds that is serious or worse, in words; by all of its rules, or by these. */
export async function seriousIssues(page: Page, rules: readonly string[] | null = null): Promise<string[]> {
  await page.evaluate(AXE);
  const options = JSON.stringify(rules === null ? {} : { runOnly: { type: 'rule', values: rules } });
  const violations = (await page.evaluate(`axe.run(${options}).then(({ violations }) => violations)`)) as Violation[];
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
