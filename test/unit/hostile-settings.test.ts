/** Command lines, config files and settings that nobody meant: each is refused in a sentence, or understood. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/cli/program.ts';
import { syncJob } from '../../src/cli/sync-arguments.ts';
import { parseTargets } from '../../src/cli/targets-file.ts';
import { BUCKET_NAME, Environment, loadConfig, prefixFault } from '../../src/config.ts';
import { RollcallError } from '../../src/errors.ts';
import { hostileText } from '../support/hostile.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollcall-hostile-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A sentence and a hint, of which nothing can be mistaken for output of another kind. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
const SENTENCE = /^rollcall: [^\n\u0000-\u001f\u007f-\u009f\u202a-\u202e]+\nTry: rollcall [a-z -]*--help\n$/;
const STACK = /\bat .+\.[jt]s:\d+|TypeError|RangeError|SyntaxError|undefined|\[object/;

const COMMANDS = ['serve', 'worker', 'sync', 'moves', 'status', 'apply', 'batch', 'init', 'token', 'verify', 'media'];
const OPTIONS = [
  ...[
    '--json',
    '--verbose',
    '--direction',
    '--compare',
    '--overwrite',
    '--orphans',
    '--moves',
    '--delete',
    '--max-delete',
  ],
  ...[
    '--album',
    '--library',
    '--dry-run',
    '--plan-out',
    '--watch',
    '--all',
    '--config',
    '--sample',
    '--days',
    '--tier',
  ],
  ...[
    '--scope',
    '--name',
    '--expires',
    '--add',
    '--concurrency',
    '--missing',
    '--help',
    '--',
    '-',
    '-n',
    '-v',
    '-w',
    '---',
  ],
];
const argument = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...OPTIONS) },
  { weight: 3, arbitrary: hostileText },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...OPTIONS), hostileText).map(([name, value]) => `${name}=${value}`),
  },
);
const commandLine = fc
  .tuple(
    fc.oneof(fc.constantFrom(...COMMANDS, 'restore', 'restore-status', 'help'), hostileText),
    fc.array(argument, { maxLength: 5 }),
  )
  .map(([command, rest]) => [command, ...rest]);

test('a command line is understood, or answered with a sentence and exit code 2', () => {
  fc.assert(
    fc.property(commandLine, (argv) => {
      const asked = parseCommandLine(argv, '1.0.0');
      if (asked.command === null) {
        expect([0, 2]).toContain(asked.exitCode);
        if (asked.stderr.startsWith('rollcall: ')) expect(asked.stderr).toMatch(SENTENCE);
        expect(asked.exitCode === 2 && asked.stderr === '' && asked.stdout === '').toBe(false);
        return;
      }
      if (asked.command !== 'sync' && asked.command !== 'moves' && asked.command !== 'status') return;
      const { command, arguments: given } = asked;
      expectRefusalOr(() => syncJob(command, given, dir));
    }),
    { numRuns: 600 },
  );
});

function expectRefusalOr(work: () => unknown): void {
  try {
    work();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(RollcallError);
    expect((thrown as RollcallError).exitCode).toBe(2);
    expect((thrown as RollcallError).message).not.toMatch(STACK);
  }
}

test('a line of the config file is a target or a fault with its number, whatever it is', () => {
  const field = fc.oneof(
    hostileText,
    fc.constantFrom('~/Pictures', '/srv/a', 'my-bucket', 'photos/', '*.xmp', '#', '|'),
  );
  const line = fc.array(field, { maxLength: 6 }).map((fields) => fields.join('|'));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const text = lines.join('\n');
      const { targets, faults } = parseTargets(text, { folder: '/base', home: '/home/me' });
      const count = text.split(/\r\n|\n|\r/).length;
      for (const { line: number, message } of faults) {
        expect(number).toBeGreaterThan(0);
        expect(number).toBeLessThanOrEqual(count);
        expect(message).not.toMatch(STACK);
      }
      for (const { folder, bucket, prefix } of targets) {
        expect([folder.startsWith('/'), BUCKET_NAME.test(bucket), prefixFault(prefix)]).toEqual([true, true, null]);
      }
    }),
    { numRuns: 800 },
  );
});

const variable = fc.constantFrom(...Object.keys(Environment.shape));

test('a setting is taken or refused by its name, and never by its value', () => {
  const secret = 'tr0ub4dor-and-more';
  fc.assert(
    fc.property(variable, hostileText, (name, text) => {
      const value = `${secret}${text}`;
      try {
        loadConfig({ [name]: value }, dir);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'BAD_CONFIG', message: expect.stringContaining(name) });
        expect((thrown as Error).message).not.toContain(secret);
        expect((thrown as Error).message).not.toMatch(STACK);
      }
    }),
    { numRuns: 800 },
  );
});

test('a .env file is read or refused, whatever is in it', () => {
  const line = fc.oneof(
    fc.tuple(variable, hostileText).map(([name, text]) => `${name}=${text}`),
    fc.tuple(variable, hostileText).map(([name, text]) => `export ${name}="${text}`),
    hostileText,
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      writeFileSync(join(dir, '.env'), lines.join('\n'));
      try {
        loadConfig({}, dir);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'BAD_CONFIG' });
        expect((thrown as Error).message).not.toMatch(STACK);
      }
    }),
    { numRuns: 200 },
  );
  writeFileSync(join(dir, '.env'), '');
});
