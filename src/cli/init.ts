/** `rollcall init [file]`: writes a sample of the config file that `rollcall batch` reads. */
import { closeSync, existsSync, fsyncSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { RollcallError } from '../errors.ts';
import { configPath } from './batch-file.ts';
import type { GlobalOptions } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import type { Screen } from './screen.ts';
import { runCommand } from './session.ts';
import { printable } from './text.ts';

/** All of it comments: nothing is synced before somebody has said what. */
export const SAMPLE_CONFIG = `# What \`rollcall batch\` syncs: one folder a line.
#
#   local_path | bucket | prefix | excludes (comma-separated)
#
# local_path  the folder of albums. ~ is your home folder; a relative path starts at this file's folder.
#             Spaces need no quotes.
# bucket      its name alone, without s3://
# prefix      what its keys begin with. It may be empty: then the folder has the whole bucket.
# excludes    what stays at home, in gitignore syntax. They replace those that the library has; without the field
#             it keeps them, and with an empty one it has none.
#
# No folder may stand here twice, and no two places may overlap. Where the S3 server and the database are, and who you
# are there, is said by environment variables or .env as for every command.
#
# Try it first:  rollcall batch --dry-run
#
# Take the # away and write your own:

#~/Pictures | my-photos | photos/ | private/, *.xmp
#/srv/scans | my-photos | scans/
`;

/** Runs `init` to its exit code. Throws BAD_INPUT when the file is there: it is never overwritten. */
export async function init(file: string | undefined, options: GlobalOptions, screen: Screen): Promise<number> {
  const path = configPath(file);
  if (existsSync(path)) throw alreadyThere(path);
  return runCommand({
    name: 'init',
    options,
    screen,
    stopping: 'Stopping.',
    body: async ({ log }) => {
      writeSample(path);
      log.file.info({ file: path }, 'sample config file written');
      if (options.json) screen.print(jsonLine({ type: 'report', file: path }));
      else for (const line of nextSteps(path, file !== undefined)) screen.print(line);
      return 0;
    },
  });
}

function nextSteps(path: string, named: boolean): string[] {
  const config = named ? ` --config ${printable(path)}` : '';
  return [`Written: ${printable(path)}`, `Name your folders in it; then: rollcall batch${config} --dry-run`];
}

/** Readable by its owner only; leaves no half of a file behind. */
function writeSample(path: string): void {
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(path);
    throw notWritten(path, cause);
  }
  try {
    writeFileSync(fd, SAMPLE_CONFIG);
    fsyncSync(fd);
  } catch (cause) {
    unlinkSync(path);
    throw notWritten(path, cause);
  } finally {
    closeSync(fd);
  }
}

function alreadyThere(path: string): RollcallError {
  return new RollcallError('BAD_INPUT', `${path} is there already and was left as it is`, { field: 'file' });
}

function notWritten(path: string, cause: unknown): RollcallError {
  const message = `${path} cannot be written: ${(cause as Error).message}`;
  return new RollcallError('BAD_INPUT', message, { cause, field: 'file' });
}
