/** The only reader of the environment: variables to a readonly Config, once, at the start. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { RollcallError } from './errors.ts';
import { parseDeleteLimit } from './sync/delete-limit.ts';
import type { SyncSettings } from './sync/types.ts';

/** Where an S3 bucket is; credentials come from the AWS SDK's own chain unless they are given. */
export interface S3Location {
  readonly endpoint: string | null;
  readonly region: string;
  readonly forcePathStyle: boolean;
  /** Of silence on a connection, after which it is given up. */
  readonly timeoutSeconds: number;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface Config {
  /** Absolute. */
  readonly photosRoot: string;
  /** PHOTOS_ROOT was not set: the folder is filled with demo pictures the first time. */
  readonly demoLibrary: boolean;
  /** Null: the embedded PostgreSQL. */
  readonly databaseUrl: string | null;
  /** What a statement may take. */
  readonly databaseTimeoutSeconds: number;
  readonly s3: S3Location;
  /** Bucket of the default library; null: the embedded S3. */
  readonly s3Bucket: string | null;
  readonly s3Prefix: string;
  readonly s3VariantsPrefix: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly apiToken: string | null;
  /** Absolute: tokens with scopes, in a file that may change; null: there is none. */
  readonly apiTokensFile: string | null;
  readonly sync: SyncSettings;
  /** MiB of files in memory on their way to the bucket. */
  readonly uploadMemoryMb: number;
  /** An image with more is synced, but not decoded. */
  readonly maxPixels: number;
  /** From the end of one two-way sync of the schedule to the next; 0: none. */
  readonly syncIntervalSeconds: number;
  /** When every library is reconciled, as a cron line in the time of the place; null: never. */
  readonly reconcileCron: string | null;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Absolute. */
  readonly logDir: string;
  readonly logKeepDays: number;
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);

const wholeNumber = (least: number, most: number, fallback: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((n) => n >= least && n <= most, `must be a whole number from ${least} to ${most}`)
    .default(fallback);

const trueOrFalse = z.enum(['true', 'false'], { error: 'must be true or false' }).transform((word) => word === 'true');

const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words, fallback: Words[number]) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` }).default(fallback as never);

/** The names that S3 takes for a bucket, near enough to catch a slip. */
export const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

const prefix = z.string().superRefine((value, context) => {
  const wrong = prefixFault(value);
  if (wrong !== null) context.addIssue({ code: 'custom', message: wrong });
});

/**
 * What is wrong with a key prefix, or null. A prefix is empty or ends in `/`, so that `photos` never matches
 * `photos-old` (DESIGN 9).
 */
export function prefixFault(value: string): string | null {
  if (value === '') return null;
  if (/\p{Cc}/u.test(value) || !value.isWellFormed()) return 'must not contain control characters or half characters';
  if (!value.endsWith('/')) return 'must end in /, like photos/';
  if (value.startsWith('/') || value.includes('//')) return 'must not start with / or contain //';
  if (value.split('/').some((part) => part === '.' || part === '..')) return 'must not contain . or .. as a folder';
  if (value.normalize('NFC') !== value) return 'must be in Unicode normal form NFC';
  if (Buffer.byteLength(value) > 512) return 'must be at most 512 bytes long';
  return null;
}

const deleteLimit = z
  .string()
  .default('25%')
  .transform((text, context) => {
    try {
      return parseDeleteLimit(text, 'MAX_DELETE');
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a count like 100 or a share like 25%' });
      return z.NEVER;
    }
  });

const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must be a PostgreSQL address like postgresql://user:password@host:5432/name');

/** Five fields; whether each is in its range, the schedule itself says when it is set. */
const cronLine = z
  .string()
  .trim()
  .regex(/^(?:[\d*,/a-z-]+(?:\s+[\d*,/a-z-]+){4})?$/i, 'must be a cron line like 0 3 * * *, or empty for never');

/** Variables that say something by being empty. */
const MAY_BE_EMPTY = new Set(['RECONCILE_CRON']);

/** Every variable that is read, with its check and default. */
export const Environment = z.object({
  PHOTOS_ROOT: z.string().optional(),
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_TIMEOUT_SECONDS: wholeNumber(1, 86_400, 300),
  S3_BUCKET: z.string().regex(BUCKET_NAME, 'must be a bucket name: 3 to 63 of a-z, 0-9, . and -').optional(),
  S3_PREFIX: prefix.default('photos/'),
  S3_VARIANTS_PREFIX: prefix.default('variants/'),
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
    // Addresses are shown and logged.
    .refine(
      (text) => !text.includes('@') && !text.includes('?'),
      'must hold no user, password or query: see AWS_ACCESS_KEY_ID',
    )
    .optional(),
  S3_REGION: z.string().optional(),
  AWS_REGION: z.string().optional(),
  S3_FORCE_PATH_STYLE: trueOrFalse.optional(),
  S3_TIMEOUT_SECONDS: wholeNumber(1, 3600, 60),
  DATA_DIR: z.string().default('./.data'),
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(0, 65535, 3000),
  API_TOKEN: z.string().min(16, 'must be at least 16 characters long').optional(),
  API_TOKENS_FILE: z.string().optional(),
  SYNC_CHECK_CONCURRENCY: wholeNumber(1, 256, 10),
  SYNC_UPLOAD_CONCURRENCY: wholeNumber(1, 64, 5),
  SYNC_UPLOAD_MEMORY_MB: wholeNumber(1, 65_536, 96),
  EXISTENCE_CHECK: oneOf(['auto', 'head', 'list'], 'auto'),
  SYNC_INTERVAL_SECONDS: wholeNumber(0, 86_400, 60),
  RECONCILE_CRON: cronLine.default('0 3 * * *'),
  MAX_DELETE: deleteLimit,
  STABLE_SECONDS: wholeNumber(0, 3600, 2),
  ORPHAN_GRACE_DAYS: wholeNumber(0, 36500, 30),
  DEDUPE_COPY: trueOrFalse.default(true),
  MAX_PIXELS: wholeNumber(1, 1_000_000_000, 268_402_689),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error'], 'info'),
  LOG_DIR: z.string().default('logs'),
  LOG_KEEP_DAYS: wholeNumber(1, 36500, 30),
});

type Variables = z.infer<typeof Environment>;

/**
 * Reads the configuration from `env` and, for what it leaves out, from the `.env` file of the working folder.
 * BAD_CONFIG names the variable that is wrong and what would be right, never its value. An empty variable counts
 * as not set, except where that means something.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, cwd = process.cwd()): Config {
  const variables = { ...readEnvFile(resolve(cwd, '.env')), ...withoutEmpty(env) };
  const parsed = Environment.safeParse(variables);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badConfig(String(issue?.path[0] ?? 'environment'), issue?.message ?? 'is wrong');
  }
  checkTogether(parsed.data);
  return toConfig(parsed.data, cwd);
}

function toConfig(v: Variables, cwd: string): Config {
  return {
    photosRoot: resolve(cwd, v.PHOTOS_ROOT ?? './photos'),
    demoLibrary: v.PHOTOS_ROOT === undefined,
    databaseUrl: v.DATABASE_URL ?? null,
    databaseTimeoutSeconds: v.DATABASE_TIMEOUT_SECONDS,
    s3: s3Of(v),
    s3Bucket: v.S3_BUCKET ?? null,
    s3Prefix: v.S3_PREFIX,
    s3VariantsPrefix: v.S3_VARIANTS_PREFIX,
    dataDir: resolve(cwd, v.DATA_DIR),
    host: v.HOST,
    port: v.PORT,
    apiToken: v.API_TOKEN ?? null,
    apiTokensFile: v.API_TOKENS_FILE === undefined ? null : resolve(cwd, v.API_TOKENS_FILE),
    sync: {
      checkConcurrency: v.SYNC_CHECK_CONCURRENCY,
      uploadConcurrency: v.SYNC_UPLOAD_CONCURRENCY,
      existenceCheck: v.EXISTENCE_CHECK,
      maxDelete: v.MAX_DELETE,
      stableSeconds: v.STABLE_SECONDS,
      orphanGraceDays: v.ORPHAN_GRACE_DAYS,
      dedupeCopy: v.DEDUPE_COPY,
    },
    uploadMemoryMb: v.SYNC_UPLOAD_MEMORY_MB,
    maxPixels: v.MAX_PIXELS,
    syncIntervalSeconds: v.SYNC_INTERVAL_SECONDS,
    reconcileCron: v.RECONCILE_CRON || null,
    logLevel: v.LOG_LEVEL,
    logDir: resolve(cwd, v.LOG_DIR),
    logKeepDays: v.LOG_KEEP_DAYS,
  };
}

function s3Of(v: Variables): S3Location {
  return {
    endpoint: v.S3_ENDPOINT ?? null,
    region: v.S3_REGION ?? v.AWS_REGION ?? 'us-east-1',
    forcePathStyle: v.S3_FORCE_PATH_STYLE ?? v.S3_ENDPOINT !== undefined,
    timeoutSeconds: v.S3_TIMEOUT_SECONDS,
  };
}

function checkTogether(v: Variables): void {
  const [a, b] = [v.S3_PREFIX, v.S3_VARIANTS_PREFIX];
  if (a.startsWith(b) || b.startsWith(a)) {
    throw badConfig('S3_VARIANTS_PREFIX', 'and S3_PREFIX must not contain each other');
  }
  if (!LOOPBACK.has(v.HOST) && v.API_TOKEN === undefined && v.API_TOKENS_FILE === undefined) {
    throw badConfig(
      'API_TOKEN',
      `or API_TOKENS_FILE must be set when HOST is not loopback (127.0.0.1, localhost or ::1)`,
    );
  }
}

function badConfig(variable: string, what: string): RollcallError {
  return new RollcallError('BAD_CONFIG', `${variable} ${what}`, { field: variable });
}

function withoutEmpty(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (pair): pair is [string, string] => pair[1] !== undefined && (pair[1] !== '' || MAY_BE_EMPTY.has(pair[0])),
    ),
  );
}

function readEnvFile(path: string): Record<string, string> {
  if (!existsSync(path)) return {};
  let variables: Record<string, string>;
  try {
    variables = withoutEmpty(parseEnv(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new RollcallError('BAD_CONFIG', '.env cannot be read', { cause, field: '.env' });
  }
  // The AWS SDK's credential chain looks at process.env itself.
  for (const [name, value] of Object.entries(variables)) {
    if (name.startsWith('AWS_')) process.env[name] ??= value;
  }
  return variables;
}
