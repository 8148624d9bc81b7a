/**
 * What `rollcall serve` is made of, through a day in which no time passes between the cycles: a process of its own, so that
 * nothing but Rollcall is measured. Prints a JSON line an hour, and one at the end.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { compose } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { createApp } from '../../src/http/app.ts';
import { listen } from '../../src/http/listen.ts';
import { startTwoWay } from '../../src/jobs/two-way.ts';

/** What there is of everything that could pile up. */
export interface HourOfDay {
  readonly hour: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** Timers, sockets, threads and the like that keep a process alive. */
  readonly handles: number;
  readonly openFiles: number;
  readonly photos: number;
}

const HOURS = Number(process.env['SOAK_HOURS'] ?? 24);
const MINUTES = HOURS * 60;
const RECONCILE_EVERY = 6 * 60;

const config = loadConfig();
const stop = new AbortController();
let failures = 0;
const log = {
  debug: () => {},
  info: () => {},
  // Two sides that were both changed are a conflict, told of in every cycle: a day has many.
  warn: () => {},
  error: (fields: object, message: string) => {
    failures += 1;
    console.error('error', message, JSON.stringify(fields));
  },
};
const { AWS_REGION = 'us-east-1', S3_ENDPOINT, S3_BUCKET = '' } = process.env;
const s3 = new S3Client({ region: AWS_REGION, endpoint: S3_ENDPOINT ?? '', forcePathStyle: true });
const root = config.photosRoot;

for (let album = 0; album < 10; album++) {
  mkdirSync(join(root, `album-${album}`), { recursive: true });
  for (let n = 0; n < 20; n++) await write(`album-${album}/photo-${n}.jpg`, album * 100 + n);
}
const rollcall = await compose(config, { demo: false, queue: { concurrency: 2 } }, log, stop.signal);
const server = await listen(createApp(rollcall.http), { host: '127.0.0.1', port: 0, log }, stop.signal);
const address = `http://127.0.0.1:${server.port}`;
await call('PATCH', `/api/libraries/${rollcall.library.id}`, { sync: 'both' });

let minutes = 0;
await startTwoWay(
  {
    service: rollcall.service,
    libraries: rollcall.libraries,
    intervalSeconds: 60,
    log,
    sleep: () => minute(++minutes),
  },
  stop.signal,
);
await server.close();
await rollcall.close();
s3.destroy();
console.log(JSON.stringify({ done: true, minutes, failures }));

/** What happens in a minute: somebody works with the photos, and something watches the server. */
async function minute(now: number): Promise<void> {
  await edit(now);
  if (now % 5 === 0) await Promise.all(['/metrics', '/api/health', '/api/overview', '/api/runs?limit=20'].map(look));
  if (now % RECONCILE_EVERY === 0) await untilEnded((await call('POST', '/api/reconcile', {})).location ?? '');
  if (now % 60 === 0) console.log(JSON.stringify(await hourOf(now / 60)));
  if (now >= MINUTES) stop.abort();
}

/** By turns: a new photo, an edit, a rename, a deletion, and the same in the bucket. Two-way syncs bring back what was deleted. */
async function edit(now: number): Promise<void> {
  const album = `album-${now % 10}`;
  const n = Math.floor(now / 10) % 20;
  const path = `${album}/photo-${n}.jpg`;
  const key = `${config.s3Prefix}${path}`;
  switch (now % 7) {
    case 0:
      return write(`${album}/new-${now % 140}.jpg`, now);
    case 1:
      return write(path, now);
    case 2:
      return void renameSync(join(root, path), join(root, `${album}/photo-${n}.jpg.renamed.jpg`));
    case 3:
      return void rmSync(join(root, `${album}/new-${(now - 70) % 140}.jpg`), { force: true });
    case 4:
      return void (await s3.send(new PutObjectCommand({ Bucket: S3_BUCKET, Key: `${key}.xmp`, Body: `${now}` })));
    case 5:
      return void (await s3.send(new DeleteObjectCommand({ Bucket: S3_BUCKET, Key: key })));
    default:
      for (const name of readdirSync(join(root, album))) {
        if (name.endsWith('.renamed.jpg')) renameSync(join(root, album, name), join(root, album, name.slice(0, -12)));
      }
  }
}

/** A picture that a person would call one, an hour old. */
async function write(path: string, seed: number): Promise<void> {
  const background = { r: seed % 256, g: (seed >> 8) % 256, b: 40 };
  const picture = await sharp({ create: { width: 32, height: 24, channels: 3, background } })
    .jpeg()
    .toBuffer();
  writeFileSync(join(root, path), picture);
  const then = Date.now() / 1000 - 3600;
  utimesSync(join(root, path), then, then);
}

async function hourOf(hour: number): Promise<HourOfDay> {
  // What is finished with needs a turn or two to be let go of.
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.();
    await pause(20);
  }
  const { heapUsed, rss } = process.memoryUsage();
  const listing = await s3.send(new ListObjectsV2Command({ Bucket: S3_BUCKET, Prefix: config.s3Prefix }));
  return {
    hour,
    heapBytes: heapUsed,
    rssBytes: rss,
    handles: process.getActiveResourcesInfo().length,
    openFiles: readdirSync('/proc/self/fd').length,
    photos: listing.KeyCount ?? 0,
  };
}

async function look(path: string): Promise<void> {
  const answer = await fetch(address + path);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}

async function call(method: string, path: string, body: object): Promise<{ readonly location: string | null }> {
  const headers = { 'Content-Type': 'application/json', Prefer: 'respond-async' };
  const answer = await fetch(address + path, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
  return { location: answer.headers.get('location') };
}

/** Follows a run's events, as the page does, to their end. */
async function untilEnded(location: string): Promise<void> {
  const events = await fetch(`${address}${location}/events`);
  await events.text();
}
