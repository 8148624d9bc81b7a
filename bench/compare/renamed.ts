/** An album that was given another name. */
import { mkdirSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertMoved, reportOf } from '../support/report-of-sync.ts';
import { assertObjects } from './take-away.ts';
import { isInstalled, timed } from './timed.ts';
import { rclone, rollcall, SENDING, type Target } from './tools.ts';
import { inWords, OURS, type Stage, type Work, wallOver } from './work.ts';

export function renamed({ box, photos, signal }: Stage): Work {
  const count = Math.max(Math.round(photos / 100), 100);
  // A library of their own: whoever takes the first turn would find nothing to do for the next one otherwise.
  const to = (who: string): Target => ({ root: join(box.folder, `renamed-${who}`), prefix: `renamed/${who}/` });
  const contestant = (who: string) => ({
    name: who,
    before: (round: number) => rename(to(who).root, albumOf(round)),
    after: (round: number) => assertObjects(box.ground, `${to(who).prefix}${albumOf(round)}/`, count),
  });
  return {
    name: 'renamed',
    box,
    title: `an album of ${inWords(count)} renamed`,
    reference: 'rclone',
    limits: [wallOver(OURS, 'rclone', 0.3)],
    async prepare() {
      for (const who of [OURS, 'rclone']) makeAlbum(to(who).root, count);
      await timed(rollcall(box, to(OURS)), signal);
      if (await isInstalled('rclone')) await timed(rclone(box, to('rclone'), SENDING), signal);
    },
    contestants: [
      {
        ...contestant(OURS),
        command: () => rollcall(box, to(OURS)),
        check: (out) => assertMoved(reportOf(out), count),
      },
      {
        ...contestant('rclone'),
        program: 'rclone',
        // By hash, its default: photos this small are hashed at once, and going by their names alone was no faster.
        command: () => rclone(box, to('rclone'), ['--track-renames', '--transfers', '32', '--checkers', '32']),
      },
    ],
  };
}

function makeAlbum(root: string, count: number): void {
  const album = join(root, 'album');
  mkdirSync(album, { recursive: true });
  for (let n = 0; n < count; n++) {
    const path = join(album, `photo-${n}.jpg`);
    writeFileSync(path, `photo ${n} of an album that is renamed\n`);
    utimesSync(path, 1_600_000_000 + n, 1_600_000_000 + n);
  }
}

function albumOf(round: number): string {
  return `album ${round + 1}`;
}

function rename(root: string, name: string): void {
  const [old = ''] = readdirSync(root);
  renameSync(join(root, old), join(root, name));
}
