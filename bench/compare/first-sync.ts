/** First syncs to an empty prefix: many photos that are small, and some that are large. */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { assertSent, reportOf } from '../support/report-of-sync.ts';
import { takeAway } from './take-away.ts';
import { aws, copy, md5sum, rclone, rollcall, SENDING, s3cmd, type Target } from './tools.ts';
import { type Contestant, inWords, type Limit, OURS, peakMemory, type Stage, type Work, wallOver } from './work.ts';

const FILES_AN_ALBUM = 500;

export function firstSyncs(stage: Stage): Work[] {
  const many = Math.max(Math.round(stage.photos / 10), 100);
  const some = Math.max(Math.round(many / 50), 5);
  const small = { name: 'first-small', count: many, bytes: 100_000, limits: [wallOver(OURS, 'rclone', 1)] };
  const large = { name: 'first-large', count: some, bytes: 8_000_000 };
  // At least 0.95 of its throughput.
  const limits = [wallOver(OURS, 'rclone', 1 / 0.95), peakMemory(OURS, 300)];
  return [firstSync(stage, small), firstSync(stage, { ...large, limits })];
}

interface FirstSync {
  readonly name: string;
  readonly count: number;
  readonly bytes: number;
  readonly limits: readonly Limit[];
}

function firstSync({ box, signal }: Stage, { name, count, bytes, limits }: FirstSync): Work {
  const root = join(box.folder, name);
  const copied = join(box.folder, `${name}-copied`);
  const to = (who: string, round: number): Target => ({ root, prefix: `${name}/${who}-${round}/` });
  const sending = (who: string) => ({
    name: who,
    after: (round: number) => takeAway(box.ground, { prefix: to(who, round).prefix, objects: count }),
  });
  const contestants: Contestant[] = [
    {
      ...sending(OURS),
      command: (round) => rollcall(box, to(OURS, round)),
      check: (out) => assertSent(reportOf(out), count),
    },
    { ...sending('rclone'), program: 'rclone', command: (round) => rclone(box, to('rclone', round), SENDING) },
    { ...sending('aws'), program: 'aws', command: (round) => aws(box, to('aws', round)) },
    { ...sending('s3cmd'), program: 's3cmd', once: true, command: (round) => s3cmd(box, to('s3cmd', round)) },
    {
      name: 'cp',
      local: true,
      command: () => copy(box, { root }, copied),
      after: () => rm(copied, { recursive: true }),
    },
    { name: 'md5sum', program: 'md5sum', local: true, command: () => md5sum(box, { root }) },
  ];
  const title = `first sync, ${inWords(count)} photos of ${inWords(bytes / 1_000)} kB`;
  const prepare = () => makeFiles(root, count, bytes, signal);
  return { name, box, title, reference: 'rclone', limits, prepare, contestants };
}

async function makeFiles(root: string, count: number, bytes: number, signal: AbortSignal): Promise<void> {
  const content = Buffer.alloc(bytes);
  for (let n = 0; n < count; n++) {
    const album = join(root, `album-${Math.floor(n / FILES_AN_ALBUM)}`);
    if (n % FILES_AN_ALBUM === 0) mkdirSync(album, { recursive: true });
    if (n % 10 === 0) await breathe();
    signal.throwIfAborted();
    // Of its own in every block, so that nobody finds two that are alike.
    randomFillSync(content);
    const path = join(album, `photo-${n}.jpg`);
    writeFileSync(path, content);
    utimesSync(path, 1_600_000_000 + n, 1_600_000_000 + n);
  }
}
