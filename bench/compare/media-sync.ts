/** First sync of photos of 12 megapixels with all that is made of them, beside what makes the previews alone. */
import { mkdirSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeManyPhotos } from '../support/media-pictures.ts';
import { assertLookedAt, assertSent, reportOf } from '../support/report-of-sync.ts';
import { vipsArguments } from '../support/vipsthumbnail.ts';
import { emptyPrefix } from './objects.ts';
import { makeDatabase, takeAway } from './take-away.ts';
import type { Command } from './timed.ts';
import {
  copy,
  oneAfterAnother,
  rclone,
  rollcall,
  rollcallMedia,
  rollcallServing,
  SENDING,
  type Target,
  vipsthumbnail,
  withDatabase,
} from './tools.ts';
import { busyCores, type Contestant, inWords, OURS, type Stage, type Work, wallOver } from './work.ts';

/** Where the program puts them unless it is told otherwise. */
const VARIANTS_PREFIX = 'variants/';
const VIPS = 'vipsthumbnail';
const SERVER = 'rollcall serve';

export function mediaSync({ box: everybodys, photos, signal }: Stage): Work {
  // A server looks at whatever is due, of all libraries: so these have a database of their own.
  const box = withDatabase(everybodys, 'rollcall_media');
  const count = Math.max(Math.round(photos / 200), 10);
  const root = join(box.folder, 'media');
  const made = join(box.folder, 'media-made');
  const to = (who: string, round: number): Target => ({ root, prefix: `media/${who.replaceAll(' ', '-')}-${round}/` });
  const sizes = vipsArguments(made).length;
  const ours = (name: string, command: (target: Target) => Command): Contestant => ({
    name,
    command: (round) => command(to(name, round)),
    check: (stdout) => assertDone(stdout, count),
    async after(round) {
      const variants = await emptyPrefix(box.ground.s3, VARIANTS_PREFIX);
      if (variants !== count * sizes) throw new Error(`${variants} variants of ${count} photos`);
      await takeAway(box.ground, { prefix: to(name, round).prefix, objects: count });
    },
  });
  const vips: Contestant = {
    name: VIPS,
    program: VIPS,
    local: true,
    before: () => mkdirSync(made),
    command: () => vipsthumbnail(box, { root }, vipsArguments(made)),
    async after() {
      const there = readdirSync(made).length;
      if (there !== count * sizes) throw new Error(`${VIPS} made ${there} previews of ${count} photos`);
      await rm(made, { recursive: true });
    },
  };
  return {
    name: 'media',
    box,
    title: `first sync with previews, ${inWords(count)} photos of 12 megapixels`,
    reference: VIPS,
    limits: [OURS, SERVER].flatMap((name) => [wallOver(name, VIPS, 1.1), busyCores(name, 90)]),
    async prepare() {
      await makeDatabase(everybodys.ground.databaseUrl, box.ground.databaseUrl);
      await makeManyPhotos(root, count, signal);
    },
    contestants: [
      ours(OURS, (target) => oneAfterAnother(rollcall(box, target), rollcallMedia(box, target))),
      ours(SERVER, (target) => rollcallServing(box, target, count)),
      vips,
      {
        name: 'rclone, no previews',
        program: 'rclone',
        command: (round) => rclone(box, to('rclone', round), SENDING),
        after: (round) => takeAway(box.ground, { prefix: to('rclone', round).prefix, objects: count }),
      },
      {
        name: 'cp',
        local: true,
        command: () => copy(box, { root }, made),
        after: () => rm(made, { recursive: true }),
      },
    ],
  };
}

/** The reports of the sync and of what came after it, in this order. */
export function assertDone(stdout: string, photos: number): void {
  const reports = stdout.split('\n').filter((line) => line.startsWith('{"type":"report"'));
  const [sync = '', media = ''] = reports;
  if (reports.length !== 2) throw new Error(`${reports.length} reports instead of a sync's and its pictures'`);
  assertSent(reportOf(sync), photos);
  assertLookedAt(media, photos);
}
