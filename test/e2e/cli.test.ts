import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CliWorld, cliWorld, jsonLines } from './cli-world.ts';

let world: CliWorld;

beforeEach(async () => {
  world = await cliWorld();
});
afterEach(() => world.close());

describe('the built program', () => {
  test('prints its version and its help, and leaves nothing behind', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(await world.run('--version')).toMatchObject({ stdout: `${version}\n`, stderr: '', exitCode: 0 });
    const help = await world.run('--help');
    expect(help).toMatchObject({ stderr: '', exitCode: 0 });
    expect(help.stdout).toContain('Usage: rollcall');
    expect(existsSync(join(world.dir, 'logs'))).toBe(false);
  });

  test.each([
    [['snyc'], /^rollcall: unknown command 'snyc' \(Did you mean sync\?\)\nTry: rollcall --help\n$/],
    [['sync', '--nope'], /^rollcall: unknown option '--nope'\nTry: rollcall sync --help\n$/],
    [['sync', 'a', 's3://X/y'], /^rollcall: the bucket in s3:\/\/bucket\/prefix must .*\nTry: rollcall sync --help\n$/],
    [['apply', 'nope.json'], /^rollcall: the plan nope\.json cannot be read: there is no such file\nTry: .*\n$/],
    [['apply', '.env'], /^rollcall: the plan is not JSON; .*\nTry: rollcall apply --help\n$/],
  ])('%j is a usage error: one line, a hint, exit code 2, and nothing is touched', async (args, stderr) => {
    world.write('.env', 'LOG_LEVEL=info\n');
    const ran = await world.run(...args);
    expect(ran).toMatchObject({ stdout: '', exitCode: 2 });
    expect(ran.stderr).toMatch(stderr);
    expect(existsSync(join(world.dir, 'logs'))).toBe(false);
  });

  test.each([
    [['sync', '--json', '--nope'], 'BAD_INPUT', /^unknown option '--nope'$/],
    [['--json', 'sync', 'a', 's3://X/y'], 'BAD_INPUT', /^the bucket in s3:/],
    [['apply', '--json', '.env'], 'BAD_PLAN', /^the plan is not JSON; /],
  ])('%j tells a program in JSON what is wrong', async (args, code, message) => {
    world.write('.env', 'LOG_LEVEL=info\n');
    const ran = await world.run(...args);
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^rollcall: /) });
    expect(jsonLines(ran.stdout)).toEqual([{ type: 'error', code, message: expect.stringMatching(message) }]);
  });

  test('a wrong setting stops every command and is named, its value is not', async () => {
    world.env['API_TOKEN'] = 'hunter2';
    for (const command of ['serve', 'sync', 'status']) {
      const ran = await world.run(command);
      expect(ran).toMatchObject({ stdout: '', exitCode: 2 });
      expect(ran.stderr).toMatch(
        /^rollcall: API_TOKEN must be at least 16 characters long \(BAD_CONFIG\)\nSettings .*\n$/,
      );
      expect(ran.stderr).not.toContain('hunter2');
    }
  });

  test('tells a program about it in JSON', async () => {
    world.env['PORT'] = 'many';
    const ran = await world.run('sync', '--json');
    expect(jsonLines(ran.stdout)).toEqual([
      { type: 'error', code: 'BAD_CONFIG', message: 'PORT must be a whole number from 0 to 65535' },
    ]);
    expect(ran.exitCode).toBe(2);
  });

  test('does not overwrite a file with a plan', async () => {
    writeFileSync(join(world.dir, 'photo.jpg'), 'a photo');
    const ran = await world.run('sync', '--plan-out', 'photo.jpg');
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--plan-out names a file that exists') });
    expect(readFileSync(join(world.dir, 'photo.jpg'), 'utf8')).toBe('a photo');
  });
});
