/** What rclone and aws say of a library and its bucket after Rollcall has synced them. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../support/world.ts';

const run = promisify(execFile);
const installed = (tool: string, question: string): boolean => spawnSync(tool, [question]).status === 0;
const RCLONE = installed('rclone', 'version');
const AWS = installed('aws', '--version');
const titled = (title: string, there: boolean, tool: string) => (there ? title : `${title} (${tool} is not installed)`);

let world: World;
let home: string;
beforeAll(async () => {
  world = await createWorld();
  home = mkdtempSync(join(tmpdir(), 'rollcall-tools-'));
  for (const name of ['a.jpg', 'two words.jpg', 'a+b%20c.jpg', '2024/summer/ü😀.jpg', 'album-1/x.jpg', 'album/x.jpg']) {
    world.write(name);
  }
  world.write('empty.jpg', '');
  world.write('album/large.mov', Buffer.alloc(20 * 1024 * 1024 + 7, 'film'));
  expect((await world.sync()).status).toBe('succeeded');
});
afterAll(async () => {
  await world.close();
  rmSync(home, { recursive: true, force: true });
});

/** Nothing of the user's own: no profile, no proxy, no certificates. */
const environment = (more: Record<string, string>) => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  LC_ALL: 'C.UTF-8',
  PYTHONUTF8: '1',
  AWS_ACCESS_KEY_ID: world.s3.accessKeyId,
  AWS_SECRET_ACCESS_KEY: world.s3.secretAccessKey,
  AWS_DEFAULT_REGION: world.s3.region,
  ...more,
});

describe('after a sync', () => {
  test.skipIf(!RCLONE)(titled('rclone check finds no difference', RCLONE, 'rclone'), async () => {
    const remote = {
      RCLONE_CONFIG: join(home, 'none.conf'),
      RCLONE_CONFIG_IT_TYPE: 's3',
      RCLONE_CONFIG_IT_PROVIDER: 'Other',
      RCLONE_CONFIG_IT_ENV_AUTH: 'true',
      RCLONE_CONFIG_IT_ENDPOINT: world.s3.endpoint,
    };
    const env = environment(remote);
    const { stderr } = await run('rclone', ['check', world.root, `it:${world.bucket}/photos`], { env });
    expect(stderr).toContain('0 differences found');
    // By modification time too, as its own sync would compare.
    const { stderr: sync } = await run('rclone', ['sync', '-v', '--dry-run', world.root, `it:${world.bucket}/photos`], {
      env,
    });
    expect(sync).not.toMatch(/Skipped|Not (copying|deleting|updating)/);
  });

  test.skipIf(!AWS)(titled('aws s3 sync --dryrun --size-only has nothing to do', AWS, 'aws'), async () => {
    const to = `s3://${world.bucket}/photos`;
    const args = ['--endpoint-url', world.s3.endpoint, 's3', 'sync', '--dryrun', '--size-only', '--delete'];
    for (const [from, onto] of [
      [world.root, to],
      [to, world.root],
    ] as const) {
      const { stdout } = await run('aws', [...args, from, onto], { env: environment({}) });
      expect(stdout).toBe('');
    }
  });
});
