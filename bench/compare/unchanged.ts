/** Nothing changed among many small photos; and fifty changed among them. */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePhotoFiles, PHOTOS_PER_ALBUM, photoPath } from '../support/photo-files.ts';
import { assertSent, assertUnchanged, reportOf } from '../support/report-of-sync.ts';
import { timed } from './timed.ts';
import { aws, find, rclone, rollcall, s3cmd } from './tools.ts';
import { inWords, OURS, requestsSent, type Stage, type Work, wallOver } from './work.ts';

const CHANGED = 50;
const OURS_CHANGED = `${OURS}, ${CHANGED} changed`;
const SIZE_ONLY = ['--size-only', '--checkers', '32'];

export function unchanged({ box, photos, signal }: Stage): Work {
  const target = { root: join(box.folder, 'unchanged'), prefix: 'unchanged/' };
  const mostLists = Math.max(Math.ceil(photos / 1_000), Math.ceil(photos / PHOTOS_PER_ALBUM)) + 1;
  return {
    name: 'unchanged',
    box,
    title: `nothing changed, ${inWords(photos)} small photos`,
    reference: 'rclone',
    limits: [
      wallOver(OURS, 'rclone', 0.75),
      wallOver(OURS, 'aws', 0.15),
      wallOver(OURS_CHANGED, OURS, 1.1),
      requestsSent(OURS, 'list', mostLists),
      requestsSent(OURS, 'head', 0),
    ],
    async prepare() {
      await makePhotoFiles(target.root, photos, { contents: true }, signal);
      await timed(rollcall(box, target), signal);
    },
    contestants: [
      {
        name: OURS,
        command: () => rollcall(box, target),
        check: (out) => assertUnchanged(reportOf(out), photos),
      },
      {
        name: OURS_CHANGED,
        before: (round) => change(target.root, photos, round),
        command: () => rollcall(box, target),
        check: (out) => assertSent(reportOf(out), CHANGED),
      },
      { name: 'rclone', program: 'rclone', command: () => rclone(box, target, SIZE_ONLY) },
      { name: 'aws', program: 'aws', command: () => aws(box, target) },
      { name: 's3cmd', program: 's3cmd', once: true, command: () => s3cmd(box, target) },
      { name: 'find', program: 'find', local: true, command: () => find(box, target) },
    ],
  };
}

/** Other bytes of the same size, so that those who look at sizes only still find nothing to do. */
function change(root: string, photos: number, round: number): void {
  for (let n = 0; n < CHANGED; n++) {
    const index = Math.floor(((n + 0.5) * photos) / CHANGED);
    const path = join(root, photoPath(index));
    writeFileSync(path, `PHOTO ${index}\n`.replace('O', String(round % 10)));
    const then = 1_700_000_000 + round;
    utimesSync(path, then, then);
  }
}
