import { describe, expect, test } from 'vitest';
import type { Invocation, SyncCommand } from '../../src/cli/invocation.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { parseBucketAddress, syncJob } from '../../src/cli/sync-arguments.ts';

const parse = (...argv: string[]) => parseCommandLine(argv, '1.2.3');

/** The request that a command line asks of the engine. */
function jobOf(...argv: string[]) {
  const asked = parse(...argv) as Extract<Invocation, { command: SyncCommand }>;
  expect(asked.command, JSON.stringify(asked)).toMatch(/^(sync|moves|status)$/);
  return syncJob(asked.command, asked.arguments, '/home/me');
}

describe('help, version and usage errors', () => {
  test('--version prints the version and nothing else', () => {
    expect(parse('--version')).toEqual({ command: null, stdout: '1.2.3\n', stderr: '', exitCode: 0 });
  });

  test.each([
    [['--help'], 'Commands:'],
    [['sync', '--help'], 'rollcall sync ~/Pictures s3://my-bucket/photos/'],
    [['help', 'status'], 'touch nothing'],
    [['apply', '-h'], 'rollcall sync --plan-out plan.json'],
    [['moves', '--help'], 'No byte is uploaded'],
    [['verify', '--help'], 'Every damaged photo is named'],
    [['restore', '--help'], 'It COSTS MONEY'],
    [['restore-status', '--help'], 'nobody has asked for it yet'],
    [['serve', '--help'], 'Ctrl-C stops everything'],
  ])('%j prints help on standard output and is well', (argv, part) => {
    const answer = parse(...argv);
    expect(answer).toMatchObject({ command: null, stderr: '', exitCode: 0 });
    expect(answer.command === null && answer.stdout).toContain(part);
  });

  test('no command at all prints the help on standard error and is a usage error', () => {
    const answer = parse();
    expect(answer).toMatchObject({ command: null, stdout: '', exitCode: 2 });
    expect(answer.command === null && answer.stderr).toContain('Usage: rollcall');
  });

  test.each([
    [['snyc'], "rollcall: unknown command 'snyc' (Did you mean sync?)\nTry: rollcall --help\n"],
    [['sync', '--dry'], "rollcall: unknown option '--dry'\nTry: rollcall sync --help\n"],
    [
      ['sync', '--dry-rum'],
      "rollcall: unknown option '--dry-rum' (Did you mean --dry-run?)\nTry: rollcall sync --help\n",
    ],
    [['apply'], "rollcall: missing required argument 'plan.json'\nTry: rollcall apply --help\n"],
    [['sync', '--album'], "rollcall: option '--album <path>' argument missing\nTry: rollcall sync --help\n"],
    [
      ['sync', '--album', ''],
      "rollcall: option '--album <path>' argument '' is invalid. It is empty.\nTry: rollcall sync --help\n",
    ],
    [
      ['sync', '--orphans', 'keep'],
      "rollcall: option '--orphans <what>' argument 'keep' is invalid. Allowed choices are mark, download, delete.\nTry: rollcall sync --help\n",
    ],
    [
      ['status', 'a', 's3://b', 'c'],
      "rollcall: too many arguments for 'status'. Expected 2 arguments but got 3: a, s3://b, c.\nTry: rollcall status --help\n",
    ],
    [
      ['sync', '--moves', 'yes'],
      "rollcall: option '--moves <what>' argument 'yes' is invalid. Allowed choices are true, false, only.\nTry: rollcall sync --help\n",
    ],
    [
      ['restore', '--days', '0'],
      "rollcall: option '--days <n>' argument '0' is invalid. It must be a whole number from 1 to 365.\nTry: rollcall restore --help\n",
    ],
    [
      ['restore', '--tier', 'bulk'],
      "rollcall: option '--tier <name>' argument 'bulk' is invalid. Allowed choices are Bulk, Standard, Expedited.\nTry: rollcall restore --help\n",
    ],
    ...['0%', '101%', '-5%', 'some', '', '5%%'].map((share): [string[], string] => [
      ['verify', `--sample=${share}`],
      `rollcall: option '--sample <n%>' argument '${share}' is invalid. It must be a share like 5%, above 0 and at most 100%.\nTry: rollcall verify --help\n`,
    ]),
    [['verify', '--delete'], "rollcall: unknown option '--delete'\nTry: rollcall verify --help\n"],
    [['moves', '--delete'], "rollcall: unknown option '--delete'\nTry: rollcall moves --help\n"],
    [['restore-status', '--days', '7'], "rollcall: unknown option '--days'\nTry: rollcall restore-status --help\n"],
    [['status', '--plan-out', 'x'], "rollcall: unknown option '--plan-out'\nTry: rollcall status --help\n"],
  ])('%j is one clear line, a hint and exit code 2', (argv, stderr) => {
    expect(parse(...argv)).toEqual({ command: null, stdout: '', stderr, exitCode: 2 });
  });
});

describe('commands', () => {
  test('global options count before and after the command', () => {
    const options = { json: true, verbose: true };
    expect(parse('--json', 'serve', '-v')).toEqual({ command: 'serve', options });
    expect(parse('serve', '--json', '--verbose')).toEqual({ command: 'serve', options });
    expect(parse('serve')).toEqual({ command: 'serve', options: { json: false, verbose: false } });
  });

  test('apply takes the file of a plan', () => {
    expect(parse('apply', 'plan.json')).toMatchObject({ command: 'apply', planFile: 'plan.json' });
  });

  test('sync without arguments asks for every library and leaves each policy to its default', () => {
    expect(jobOf('sync')).toEqual({
      target: null,
      request: { kind: 'sync', dryRun: false },
      planOut: null,
      printAll: false,
      watch: false,
    });
  });

  test('each flag of sync arrives in the request', () => {
    const { request } = jobOf(
      ...['sync', '--library', 'mine', '--album', './2024/su\u0308d/', '--overwrite', 'source'],
      ...['--orphans', 'delete', '--max-delete', '5%', '-n'],
    );
    expect(request).toEqual({
      kind: 'sync',
      library: 'mine',
      album: '2024/s\u00FCd',
      overwrite: 'source',
      orphans: 'delete',
      maxDelete: '5%',
      dryRun: true,
    });
  });

  test.each([
    ['true', true],
    ['false', false],
    ['only', 'only'],
  ])('--moves %s is the policy %j, of sync, status and batch', (word, moves) => {
    expect(jobOf('sync', '--moves', word).request).toMatchObject({ kind: 'sync', moves });
    expect(jobOf('status', '--moves', word).request).toMatchObject({ kind: 'status', moves });
    expect(parse('batch', '--moves', word)).toMatchObject({ command: 'batch', arguments: { moves } });
  });

  test('moves asks for renames only, of the same places as sync', () => {
    expect(jobOf('moves').request).toEqual({ kind: 'moves', moves: 'only', dryRun: false });
    const job = jobOf('moves', 'Pictures', 's3://my-bucket/p', '--album', 'a', '--plan-out', 'plan.json', '--all');
    expect(job).toEqual({
      target: { folder: '/home/me/Pictures', bucket: 'my-bucket', prefix: 'p/' },
      request: { kind: 'moves', moves: 'only', album: 'a', dryRun: true },
      planOut: '/home/me/plan.json',
      printAll: true,
      watch: false,
    });
  });

  test('restore takes days and a tier, and both commands a place or a library', () => {
    expect(parse('restore')).toMatchObject({ command: 'restore', arguments: { days: 7, tier: 'Standard' } });
    expect(parse('restore', '--days', '365', '--tier', 'Bulk', '--library', 'mine')).toMatchObject({
      arguments: { days: 365, tier: 'Bulk', library: 'mine' },
    });
    const place = { folder: 'Pictures', target: 's3://my-bucket/p' };
    expect(parse('restore', 'Pictures', 's3://my-bucket/p')).toMatchObject({ arguments: place });
    expect(parse('restore-status', 'Pictures', 's3://my-bucket/p')).toEqual({
      command: 'restore-status',
      options: { json: false, verbose: false },
      arguments: place,
    });
  });

  test('verify takes a place or a library, an album, and a share with or without its sign', () => {
    expect(parse('verify')).toEqual({
      command: 'verify',
      options: { json: false, verbose: false },
      arguments: {},
    });
    expect(parse('verify', 'Pictures', 's3://b/p', '--album', '2024', '--sample', '0.5%')).toMatchObject({
      arguments: { folder: 'Pictures', target: 's3://b/p', album: '2024', sample: 0.5 },
    });
    expect(parse('verify', '--library', 'mine', '--sample', '100')).toMatchObject({
      arguments: { library: 'mine', sample: 100 },
    });
  });

  test('--delete deletes orphans now', () => {
    expect(jobOf('sync', '--delete').request).toMatchObject({ orphans: 'delete', deleteNow: true });
    expect(jobOf('sync', '--orphans', 'delete').request).not.toHaveProperty('deleteNow');
  });

  test('--plan-out is a dry run that saves its plan', () => {
    const job = jobOf('sync', '--plan-out', 'plan.json');
    expect(job.planOut).toBe('/home/me/plan.json');
    expect(job.request.dryRun).toBe(true);
  });

  test('status is a dry run of the same arguments', () => {
    const job = jobOf('status', 'Pictures', 's3://my-bucket/p', '--delete', '--all');
    expect(job).toEqual({
      target: { folder: '/home/me/Pictures', bucket: 'my-bucket', prefix: 'p/' },
      request: { kind: 'status', dryRun: true, orphans: 'delete', deleteNow: true },
      planOut: null,
      printAll: true,
      watch: false,
    });
  });

  test('the policies of a two-way sync are taken over', () => {
    const policies = ['--direction', 'both', '--compare', 'content', '--overwrite', 'newer', '--orphans', 'download'];
    expect(jobOf('sync', ...policies).request).toEqual({
      kind: 'sync',
      dryRun: false,
      direction: 'both',
      compare: 'content',
      overwrite: 'newer',
      orphans: 'download',
    });
  });

  test('a folder alone leaves bucket and prefix to the configuration', () => {
    expect(jobOf('sync', '/photos').target).toEqual({ folder: '/photos', bucket: null, prefix: null });
  });

  test.each([
    [['sync', 's3://bucket/x'], 'the folder comes before the bucket, as in ~/Pictures s3://bucket/prefix'],
    [['sync', ''], 'the folder is empty'],
    [['sync', 'a', 'bucket/x'], 'the target must look like s3://bucket/prefix'],
    [['sync', 'a', '--library', 'b'], '--library names a configured library: give it or a folder, not both'],
    [['sync', '--max-delete', 'all'], '--max-delete must be a count like 100 or a share like 25%'],
    [['sync', '--max-delete', '101%'], '--max-delete must be a count like 100 or a share like 25%'],
    [
      ['sync', '--delete', '--orphans', 'mark'],
      '--delete deletes orphans and --orphans mark keeps them: give one of the two',
    ],
    [
      ['sync', '--delete', '--orphans', 'download'],
      '--delete deletes orphans and --orphans download keeps them: give one of the two',
    ],
    [
      ['sync', '--direction', 'both', '--overwrite', 'source'],
      'overwrite: source needs a direction, up or down: with both there is no source',
    ],
    [
      ['sync', '--moves', 'only', '--delete'],
      '--moves only does nothing but renames: leave --delete and --orphans delete out',
    ],
    [
      ['sync', '--moves', 'only', '--orphans', 'delete'],
      '--moves only does nothing but renames: leave --delete and --orphans delete out',
    ],
    [
      ['sync', '--moves', 'true', '--direction', 'down'],
      'moves rename objects in the bucket, which direction: down leaves alone',
    ],
    [['moves', 'a', '--library', 'b'], '--library names a configured library: give it or a folder, not both'],
    [['sync', '--watch', '--album', '2024'], '--watch watches whole libraries: leave --album out'],
    [['sync', '--watch', '--dry-run'], '--watch syncs and does not plan: leave --dry-run and --plan-out out'],
    [['sync', '--watch', '--plan-out', 'p'], '--watch syncs and does not plan: leave --dry-run and --plan-out out'],
    [
      ['sync', '--watch', '--delete'],
      '--watch does not go with --delete, which would follow every slip at once: give --orphans delete, which waits ORPHAN_GRACE_DAYS',
    ],
    [
      ['sync', '--album', '../other'],
      "--album must be a folder's path relative to the library's root, like 2024/summer, or . for the root itself",
    ],
  ])('%j is refused in words', (argv, message) => {
    expect(() => jobOf(...argv)).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }));
  });
});

describe('s3://bucket/prefix', () => {
  test.each([
    ['s3://bucket/photos/', { bucket: 'bucket', prefix: 'photos/' }],
    ['s3://bucket/photos', { bucket: 'bucket', prefix: 'photos/' }],
    ['s3://bucket/a b/+%/ü', { bucket: 'bucket', prefix: 'a b/+%/ü/' }],
    ['s3://bucket/', { bucket: 'bucket', prefix: '' }],
    ['s3://bucket', { bucket: 'bucket', prefix: '' }],
  ])('%s is read', (text, place) => {
    expect(parseBucketAddress(text)).toEqual(place);
  });

  test.each([
    ['bucket/photos', /must look like s3:/],
    ['https://bucket/photos', /must look like s3:/],
    ['s3:/bucket', /must look like s3:/],
    ['s3:///photos', /must have a name of 3 to 63/],
    ['s3://Bucket/photos', /must have a name of 3 to 63/],
    ['s3://bucket//photos', /the prefix .* must not start with \/ or contain \/\//],
    ['s3://bucket/a//b', /the prefix .* contain \/\//],
    ['s3://bucket/a/../b', /the prefix .* must not contain \. or \.\./],
    ['s3://bucket/u\u0308', /the prefix .* NFC/],
    [`s3://bucket/${'x'.repeat(513)}`, /the prefix .* at most 512 bytes/],
  ])('%s is refused with what is wrong', (text, message) => {
    expect(() => parseBucketAddress(text)).toThrow(message);
  });
});
