/** What is compared: each work with its contestants, which are run in turn, and the bars that it is held to. */

import { randomFillSync } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePhotoFiles, photoPath } from '../support/photo-files.ts';
import { assertUnchanged, reportOf } from '../support/report-of-sync.ts';
import { type Command, timed } from './timed.ts';
import { aws, find, md5sum, rclone, rollcall, s3cmd, type Target, type Toolbox, TRANSFERS } from './tools.ts';

export interface Contestant {
  readonly name: string;
  /** The program that it needs, where that may not be there. */
  readonly program?: string;
  /** Too slow to be run in every round. */
  readonly once?: true;
  command(round: number): Command;
  /** Throws when it did not do what is measured. */
  check?(stdout: string): void;
}

/** A wall time over another's, at most this. */
export interface Limit {
  readonly of: string;
  readonly over: string;
  readonly atMost: number;
}

export interface Work {
  readonly name: string;
  /** In a few words, for people. */
  readonly title: string;
  readonly limits: readonly Limit[];
  prepare(): Promise<void>;
  /** Before a contestant's turn; round 0 is the one in which requests are counted. */
  before?(round: number, contestant: string): void;
  readonly contestants: readonly Contestant[];
}

export interface Stage {
  readonly box: Toolbox;
  /** Of the works with small photos. */
  readonly photos: number;
  readonly signal: AbortSignal;
}

const OURS = 'rollcall';
const SIZE_ONLY = ['--size-only', '--checkers', '32'];
const SENDING = ['--transfers', String(TRANSFERS), '--s3-no-head'];

export function works(stage: Stage): readonly Work[] {
  return [unchanged(stage), ...firstSyncs(stage), renamed(stage)];
}

/** Also: fifty changed among them, against nothing changed. */
function unchanged({ box, photos, signal }: Stage): Work {
  const target = { root: join(box.folder, 'unchanged'), prefix: 'unchanged/' };
  const check = (stdout: string) => assertUnchanged(reportOf(stdout), photos);
  return {
    name: 'unchanged',
    title: `nothing changed, ${photos} small photos`,
    limits: [
      { of: OURS, over: 'rclone', atMost: 0.75 },
      { of: OURS, over: 'aws', atMost: 0.15 },
      { of: 'rollcall, 50 changed', over: OURS, atMost: 1.1 },
    ],
    async prepare() {
      await makePhotoFiles(target.root, photos, { contents: true }, signal);
      await timed(rollcall(box, target), signal);
    },
    before(round, contestant) {
      if (contestant === 'rollcall, 50 changed') change(target.root, photos, round);
    },
    contestants: [
      { name: OURS, command: () => rollcall(box, target), check },
      { name: 'rollcall, 50 changed', command: () => rollcall(box, target), check: (out) => assertSent(out, 50) },
      { name: 'rclone', program: 'rclone', command: () => rclone(box, target, SIZE_ONLY) },
      { name: 'aws', program: 'aws', command: () => aws(box, target) },
      { name: 's3cmd', program: 's3cmd', once: true, command: () => s3cmd(box, target) },
      { name: 'find', program: 'find', command: () => find(box, target) },
    ],
  };
}

/** Other bytes of the same size, so that those who look at sizes only still find nothing to do. */
function change(root: string, photos: number, round: number): void {
  for (let n = 0; n < 50; n++) {
    const index = Math.floor(((n + 0.5) * photos) / 50);
    const path = join(root, photoPath(index));
    writeFileSync(path, `PHOTO ${index}\n`.replace('O', String(round % 10)));
    const then = 1_700_000_000 + round;
    utimesSync(path, then, then);
  }
}

function firstSyncs(stage: Stage): Work[] {
  const many = Math.max(Math.round(stage.photos / 10), 100);
  return [
    firstSync(stage, { name: 'first-small', count: many, bytes: 100_000, atMost: 1 }),
    firstSync(stage, {
      name: 'first-large',
      count: Math.max(Math.round(many / 50), 5),
      bytes: 8_000_000,
      atMost: 1 / 0.95,
    }),
  ];
}

interface FirstSync {
  readonly name: string;
  readonly count: number;
  readonly bytes: number;
  readonly atMost: number;
}

function firstSync({ box }: Stage, { name, count, bytes, atMost }: FirstSync): Work {
  const root = join(box.folder, name);
  const to = (who: string, round: number): Target => ({ root, prefix: `${name}/${who}-${round}/` });
  return {
    name,
    title: `first sync, ${count} photos of ${bytes / 1000} kB`,
    limits: [{ of: OURS, over: 'rclone', atMost }],
    async prepare() {
      makeFiles(root, count, bytes);
    },
    contestants: [
      { name: OURS, command: (round) => rollcall(box, to(OURS, round)), check: (out) => assertSent(out, count) },
      { name: 'rclone', program: 'rclone', command: (round) => rclone(box, to('rclone', round), SENDING) },
      { name: 'aws', program: 'aws', command: (round) => aws(box, to('aws', round)) },
      { name: 'md5sum', program: 'md5sum', command: (round) => md5sum(box, to('md5sum', round)) },
    ],
  };
}

function makeFiles(root: string, count: number, bytes: number): void {
  const content = Buffer.alloc(bytes);
  for (let n = 0; n < count; n++) {
    const album = join(root, `album-${Math.floor(n / 500)}`);
    if (n % 500 === 0) mkdirSync(album, { recursive: true });
    // Of its own in every block, so that nobody finds two that are alike.
    randomFillSync(content);
    const path = join(album, `photo-${n}.jpg`);
    writeFileSync(path, content);
    utimesSync(path, 1_600_000_000 + n, 1_600_000_000 + n);
  }
}

function renamed({ box, photos, signal }: Stage): Work {
  const count = Math.max(Math.round(photos / 100), 100);
  const root = join(box.folder, 'renamed');
  const to = (who: string): Target => ({ root, prefix: `renamed/${who}/` });
  let name = 'album-0';
  return {
    name: 'renamed',
    title: `an album of ${count} renamed`,
    limits: [{ of: OURS, over: 'rclone', atMost: 0.3 }],
    async prepare() {
      mkdirSync(join(root, name), { recursive: true });
      for (let n = 0; n < count; n++) {
        const path = join(root, name, `photo-${n}.jpg`);
        writeFileSync(path, `photo ${n} of an album that is renamed\n`);
        utimesSync(path, 1_600_000_000 + n, 1_600_000_000 + n);
      }
      await timed(rollcall(box, to(OURS)), signal);
      await timed(rclone(box, to('rclone'), SENDING), signal);
    },
    before(round, contestant) {
      if (contestant !== OURS) return;
      const [old = ''] = readdirSync(root);
      name = `album ${round + 1}`;
      renameSync(join(root, old), join(root, name));
    },
    contestants: [
      { name: OURS, command: () => rollcall(box, to(OURS)), check: (out) => assertMoved(out, count) },
      {
        name: 'rclone',
        program: 'rclone',
        command: () => rclone(box, to('rclone'), ['--track-renames', '--transfers', '32', '--checkers', '32']),
      },
    ],
  };
}

function assertSent(stdout: string, count: number): void {
  const { status, actions } = reportOf(stdout);
  if (status !== 'succeeded' || actions.uploaded + actions.reuploaded !== count)
    throw new Error(`not ${count} sent: ${stdout.slice(-2000)}`);
}

function assertMoved(stdout: string, count: number): void {
  const { status, actions, bytes } = reportOf(stdout);
  const asExpected = status === 'succeeded' && actions.moved === count && bytes.uploaded === 0;
  if (!asExpected) throw new Error(`not ${count} renamed: ${stdout.slice(-2000)}`);
}
