/**
 * The embedded S3 server with the tools that people use on theirs, each as it is installed on this machine. They get
 * their settings by environment and flags only, and a home folder of their own.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestS3, type TestS3 } from '../support/s3.ts';

const LIBRARY = [
  'plain.jpg',
  'two words.jpg',
  'plus+sign.jpg',
  '100%.jpg',
  '%20 is no blank.jpg',
  "quote\" and 'apostrophe'.jpg",
  'amp & <tags>.jpg',
  'hash#tag?query=1.jpg',
  'semi;colon, comma: colon.jpg',
  'at@equals=dollar$bang!.jpg',
  'brackets[0]{1}(2).jpg',
  'star*.jpg',
  'back\\slash.jpg',
  'tilde~caret^grave`pipe|.jpg',
  '.hidden.jpg',
  '..twice.jpg',
  ' leading blank.jpg',
  'é composed.jpg',
  'e\u0301 combining.jpg',
  '日本語.jpg',
  '😀 \uFF01 \uE000.jpg',
  'Case.jpg',
  'case.jpg',
  'album/2024/summer/deep down.jpg',
  'album-1/before the slash.jpg',
  'album/after the slash.jpg',
  'album & friends/+1/ö.jpg',
];
const EMPTY = 'empty.txt';
const LARGE = 'album/large.mov';

const installed = (tool: string, ...question: string[]): boolean => {
  const { status } = spawnSync(tool, question, { stdio: 'ignore', env: toolEnvironment(tmpdir()) });
  return status === 0;
};

/** Nothing of the user's own: no profile, no proxy, no certificates. */
function toolEnvironment(home: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: home, LC_ALL: 'C.UTF-8', PYTHONUTF8: '1' };
}

const RCLONE = installed('rclone', 'version');
const AWS = installed('aws', '--version');
const S3CMD = installed('s3cmd', '--version');
const titled = (title: string, there: boolean, tool: string) => (there ? title : `${title} (${tool} is not installed)`);

/** Every file under a folder: its name, the MD5 of its bytes and, when asked for, its time to the second. */
function treeOf(folder: string, times = false): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const lines = files.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const hash = createHash('md5').update(readFileSync(path)).digest('hex');
    const time = times ? ` ${Math.floor(statSync(path).mtimeMs / 1000)}` : '';
    return `${path.slice(folder.length + 1)} ${hash}${time}`;
  });
  return lines.sort();
}

describe('the embedded S3 server with the tools of others', () => {
  let s3: TestS3;
  let home: string;
  let source: string;
  let target: string;
  let prefix: string;
  let runs = 0;

  beforeAll(async () => {
    s3 = await startTestS3();
    home = mkdtempSync(join(tmpdir(), 'rollcall-tools-'));
    source = join(home, 'library');
    const write = (path: string, bytes: Uint8Array) => {
      const file = join(source, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
      utimesSync(file, 1_600_000_000, 1_600_000_000);
    };
    for (const path of LIBRARY) write(path, Buffer.from(`the bytes of ${path}`));
    write(EMPTY, Buffer.alloc(0));
    write(LARGE, randomBytes(18 * 1024 * 1024));
  });
  beforeEach(() => {
    runs += 1;
    prefix = `run ${runs}+`;
    target = join(home, `back-${runs}`);
  });
  afterAll(async () => {
    await s3?.close();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });

  /** Runs a tool to its end; what it says, on both channels. Throws, with that, when it fails. */
  async function run(tool: string, args: readonly string[], env: Record<string, string> = {}) {
    return promisify(execFile)(tool, args, {
      env: { ...toolEnvironment(home), ...env },
      cwd: home,
      maxBuffer: 1 << 26,
    });
  }

  // What rclone takes a server for decides which listing it asks for: V1 as it is, or V2 URL-encoded.
  describe.each(['Other', 'Minio'])('rclone, which takes it for %s', (provider) => {
    const rclone = (...args: string[]) =>
      run('rclone', [...args, '--checkers', '16', '--transfers', '8', '--retries', '1', '--low-level-retries', '1'], {
        RCLONE_CONFIG: join(home, 'none.conf'),
        RCLONE_CONFIG_THERE_TYPE: 's3',
        RCLONE_CONFIG_THERE_PROVIDER: provider,
        RCLONE_CONFIG_THERE_ENDPOINT: s3.endpoint,
        RCLONE_CONFIG_THERE_REGION: s3.region,
        RCLONE_CONFIG_THERE_ACCESS_KEY_ID: s3.accessKeyId,
        RCLONE_CONFIG_THERE_SECRET_ACCESS_KEY: s3.secretAccessKey,
        RCLONE_S3_UPLOAD_CUTOFF: '6M',
        RCLONE_S3_CHUNK_SIZE: '5M',
      });
    const there = (path = '') => `there:${s3.bucket}/${prefix}${path}`;

    test.skipIf(!RCLONE)(
      titled('copies a folder up, finds it the same, and down again', RCLONE, 'rclone'),
      async () => {
        await rclone('copy', source, there());
        await rclone('check', source, there());
        await rclone('check', '--download', source, there());
        await rclone('copy', there(), target);
        expect(treeOf(target, true)).toEqual(treeOf(source, true));
      },
    );

    test.skipIf(!RCLONE)(titled('finds nothing to sync a second time, either way', RCLONE, 'rclone'), async () => {
      await rclone('sync', source, there());
      await rclone('sync', there(), target);
      for (const [from, to] of [
        [source, there()],
        [there(), target],
        [source, target],
      ] as const) {
        expect((await rclone('sync', '--dry-run', from, to)).stderr).not.toMatch(/Skipped/);
      }
    });

    test.skipIf(!RCLONE)(titled('sees what changed and deletes what is gone', RCLONE, 'rclone'), async () => {
      await rclone('copy', source, target);
      await rclone('sync', target, there());
      rmSync(join(target, 'two words.jpg'));
      writeFileSync(join(target, 'plain.jpg'), 'other bytes');
      await expect(rclone('check', target, there())).rejects.toThrow('2 differences found');
      await rclone('sync', target, there());
      await rclone('check', target, there());
    });

    test.skipIf(!RCLONE)(titled('renames an object in the bucket', RCLONE, 'rclone'), async () => {
      await rclone('copy', join(source, 'album'), there('/album'));
      await rclone('moveto', there('/album'), there('/renamed & more'));
      await rclone('check', join(source, 'album'), there('/renamed & more'));
      expect((await rclone('lsf', there())).stdout).toBe('renamed & more/\n');
    });
  });

  describe('aws', () => {
    // Version 1 would presign the way that AWS gave up in 2019.
    beforeAll(() => {
      mkdirSync(join(home, '.aws'));
      writeFileSync(
        join(home, '.aws', 'config'),
        '[default]\ns3 =\n  signature_version = s3v4\n  addressing_style = path\n',
      );
    });
    const aws = (...args: string[]) =>
      run('aws', ['--endpoint-url', s3.endpoint, ...args], {
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        AWS_DEFAULT_REGION: s3.region,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_MAX_ATTEMPTS: '1',
      });
    const there = (path = '') => `s3://${s3.bucket}/${prefix}${path}`;

    test.skipIf(!AWS)(titled('syncs a folder both ways and finds nothing to do after', AWS, 'aws'), async () => {
      await aws('s3', 'sync', '--only-show-errors', source, there());
      expect((await aws('s3', 'sync', '--dryrun', '--size-only', source, there())).stdout).toBe('');
      await aws('s3', 'sync', '--only-show-errors', there(), target);
      expect((await aws('s3', 'sync', '--dryrun', '--size-only', there(), target)).stdout).toBe('');
      expect(treeOf(target)).toEqual(treeOf(source));
    });

    test.skipIf(!AWS)(titled('lists, moves and removes', AWS, 'aws'), async () => {
      await aws('s3', 'cp', '--only-show-errors', '--recursive', join(source, 'album'), there('/album'));
      await aws('s3', 'mv', '--only-show-errors', there('/album/large.mov'), there('/moved & more.mov'));
      const { stdout } = await aws('s3', 'ls', '--recursive', there('/'));
      const names = stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(31));
      expect(names).toEqual(
        ['album/2024/summer/deep down.jpg', 'album/after the slash.jpg', 'moved & more.mov'].map(
          (name) => `${prefix}/${name}`,
        ),
      );
      await aws('s3', 'rm', '--only-show-errors', '--recursive', there('/'));
      await expect(aws('s3', 'ls', there('/'))).rejects.toThrow();
    });

    test.skipIf(!AWS)(titled('presigns an address that answers', AWS, 'aws'), async () => {
      await aws('s3', 'cp', '--only-show-errors', join(source, 'amp & <tags>.jpg'), there('/amp & <tags>.jpg'));
      const { stdout } = await aws('s3', 'presign', there('/amp & <tags>.jpg'));
      expect(await (await fetch(stdout.trim())).text()).toBe('the bytes of amp & <tags>.jpg');
    });
  });

  describe('s3cmd', () => {
    const s3cmd = (...args: string[]) => {
      const { host } = new URL(s3.endpoint);
      const flags = [`--host=${host}`, `--host-bucket=${host}`, `--region=${s3.region}`, '--no-ssl', '--no-progress'];
      const keys = [`--access_key=${s3.accessKeyId}`, `--secret_key=${s3.secretAccessKey}`];
      const config = join(home, 's3cmd.conf');
      writeFileSync(config, '[default]\nmax_retries = 1\n');
      return run('s3cmd', [`--config=${config}`, ...flags, ...keys, '--multipart-chunk-size-mb=5', ...args]);
    };
    const there = (path = '') => `s3://${s3.bucket}/${prefix}${path}`;

    test.skipIf(!S3CMD)(titled('puts, lists and gets', S3CMD, 's3cmd'), async () => {
      await s3cmd('put', join(source, 'amp & <tags>.jpg'), there('/amp & <tags>.jpg'));
      await s3cmd('put', join(source, LARGE), there('/large.mov'));
      const { stdout } = await s3cmd('ls', there('/'));
      expect(
        stdout
          .trimEnd()
          .split('\n')
          .map((line) => line.replace(/^.*s3:/, 's3:')),
      ).toEqual([there('/amp & <tags>.jpg'), there('/large.mov')]);
      mkdirSync(target);
      await s3cmd('get', there('/large.mov'), join(target, 'large.mov'));
      expect(readFileSync(join(target, 'large.mov')).equals(readFileSync(join(source, LARGE)))).toBe(true);
    });

    test.skipIf(!S3CMD)(titled('syncs a folder both ways and finds nothing to do after', S3CMD, 's3cmd'), async () => {
      await s3cmd('sync', `${source}/`, there('/'));
      expect((await s3cmd('sync', '--dry-run', `${source}/`, there('/'))).stdout).toBe('');
      mkdirSync(target);
      await s3cmd('sync', there('/'), `${target}/`);
      expect(treeOf(target)).toEqual(treeOf(source));
      expect((await s3cmd('sync', '--dry-run', there('/'), `${target}/`)).stdout).toBe('');
    });
  });
});
