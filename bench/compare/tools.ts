/** What a person could take instead, each with the options that are its best here. */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Ground } from './endpoint.ts';
import type { Command } from './timed.ts';

/** A folder and where it goes. */
export interface Target {
  readonly root: string;
  /** Ends in `/`. */
  readonly prefix: string;
}

export interface Toolbox {
  readonly ground: Ground;
  /** For their settings, and to run them in. */
  readonly folder: string;
  /** The built program. */
  readonly main: string;
}

/** As many transfers at once as rclone is given: the default of five is for lines that others use too. */
export const TRANSFERS = 32;
/** rclone's best for a first sync. */
export const SENDING = ['--transfers', String(TRANSFERS), '--checkers', '32', '--s3-no-head'];

export function rollcall(box: Toolbox, target: Target): Command {
  return rollcallDoing('sync', box, target);
}

/** The pictures of what was synced. */
export function rollcallMedia(box: Toolbox, target: Target): Command {
  return rollcallDoing('media', box, target);
}

function rollcallDoing(what: string, box: Toolbox, { root, prefix }: Target): Command {
  const { ground, folder, main } = box;
  return {
    argv: [process.execPath, main, what, root, `s3://${ground.s3.bucket}/${prefix}`, '--json'],
    folder,
    env: rollcallEnv(box),
  };
}

/** The same by the server, from its start to its end. */
export function rollcallServing(box: Toolbox, { root, prefix }: Target, photos: number): Command {
  const script = join(import.meta.dirname, 'serve-once.ts');
  const env = { ...rollcallEnv(box), PHOTOS_ROOT: root, S3_PREFIX: prefix, PORT: '0' };
  return { argv: [process.execPath, script, box.main, prefix, String(photos)], folder: box.folder, env };
}

export function withDatabase(box: Toolbox, name: string): Toolbox {
  const url = new URL(box.ground.databaseUrl);
  url.pathname = `/${name}`;
  return { ...box, ground: { ...box.ground, databaseUrl: url.href } };
}

function rollcallEnv({ ground, folder }: Toolbox): Record<string, string> {
  const { s3, databaseUrl } = ground;
  return {
    DATABASE_URL: databaseUrl,
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    SYNC_UPLOAD_CONCURRENCY: String(TRANSFERS),
    SYNC_CHECK_CONCURRENCY: String(TRANSFERS),
    DATA_DIR: join(folder, 'data'),
    LOG_DIR: join(folder, 'logs'),
  };
}

export function rclone({ ground, folder }: Toolbox, { root, prefix }: Target, options: readonly string[]): Command {
  const { s3 } = ground;
  return {
    argv: ['rclone', 'sync', root, `bench:${s3.bucket}/${prefix}`, '--config', '/dev/null', ...options],
    folder,
    env: {
      RCLONE_CONFIG_BENCH_TYPE: 's3',
      RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
      RCLONE_CONFIG_BENCH_ENDPOINT: s3.endpoint,
      RCLONE_CONFIG_BENCH_REGION: s3.region,
      RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: s3.accessKeyId,
      RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: s3.secretAccessKey,
      RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: 'true',
    },
  };
}

export function aws({ ground, folder }: Toolbox, { root, prefix }: Target): Command {
  const { s3 } = ground;
  const config = join(folder, 'aws-config');
  writeFileSync(config, `[default]\ns3 =\n  max_concurrent_requests = ${TRANSFERS}\n  addressing_style = path\n`);
  const to = `s3://${s3.bucket}/${prefix}`;
  return {
    argv: ['aws', '--endpoint-url', s3.endpoint, 's3', 'sync', root, to, '--size-only', '--only-show-errors'],
    folder,
    env: {
      AWS_CONFIG_FILE: config,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    },
  };
}

export function s3cmd({ ground, folder }: Toolbox, { root, prefix }: Target): Command {
  const { s3 } = ground;
  const { host, protocol } = new URL(s3.endpoint);
  const where = [`--host=${host}`, `--host-bucket=${host}`, `--region=${s3.region}`];
  const who = [`--access_key=${s3.accessKeyId}`, `--secret_key=${s3.secretAccessKey}`];
  const how = ['--no-check-md5', '--quiet', protocol === 'http:' ? '--no-ssl' : '--ssl', '-c', '/dev/null'];
  return {
    argv: ['s3cmd', ...where, ...who, ...how, 'sync', `${root}/`, `s3://${s3.bucket}/${prefix}`],
    folder,
    env: {},
  };
}

type Source = Pick<Target, 'root'>;

/** The floor of looking at a folder: GNU find with a `stat` of each file. */
export function find({ folder }: Toolbox, { root }: Source): Command {
  return { argv: ['find', root, '-type', 'f', '-size', '-1'], folder, env: {} };
}

/** The floor of reading what is sent. */
export function md5sum({ folder }: Toolbox, { root }: Source): Command {
  return { argv: ['find', root, '-type', 'f', '-exec', 'md5sum', '{}', '+'], folder, env: {} };
}

/** The floor of having it a second time: on the same disk. */
export function copy({ folder }: Toolbox, { root }: Source, to: string): Command {
  return { argv: ['cp', '-r', root, to], folder, env: {} };
}

/** As many processes as there are processors, each a thread and some photos at a time; so it is the fastest. */
export function vipsthumbnail({ folder }: Toolbox, { root }: Source, sizes: readonly (readonly string[])[]): Command {
  const each = sizes.map((args) => `vipsthumbnail "$@" ${args.map(quoted).join(' ')}`).join(' && ');
  const share = ['xargs', '-0', '-P', String(availableParallelism()), '-n', '8', 'sh', '-c', each, 'sh'];
  const line = `find ${quoted(root)} -type f -print0 | ${share.map(quoted).join(' ')}`;
  return { argv: ['sh', '-c', line], folder, env: { VIPS_CONCURRENCY: '1' } };
}

/** One after the other, each if those before it went well; with the environment of the first. */
export function oneAfterAnother(first: Command, ...others: readonly Command[]): Command {
  const line = [first, ...others].map(({ argv }) => argv.map(quoted).join(' ')).join(' && ');
  return { ...first, argv: ['sh', '-c', line] };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
