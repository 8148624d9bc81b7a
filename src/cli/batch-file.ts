/** The config file of `rollcall batch`, found and read. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { RollcallError } from '../errors.ts';
import { parseTargets, pathFrom, type TargetsFile } from './targets-file.ts';

/** The absolute path of the config file: the one that was named, or `~/.rollcall.conf`. */
export function configPath(named: string | undefined): string {
  const home = homedir();
  return named === undefined ? join(home, '.rollcall.conf') : pathFrom(named, process.cwd(), home);
}

/** Reads the targets. BAD_INPUT when the file is missing (with `rollcall init` as the way on) or cannot be read. */
export async function readTargets(path: string, named: string | undefined): Promise<TargetsFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? `there is no config file ${path}; \`rollcall init${named === undefined ? '' : ` ${named}`}\` writes a sample`
        : `the config file ${path} cannot be read: ${message}`;
    throw new RollcallError('BAD_INPUT', why, { cause, field: '--config' });
  }
  return parseTargets(text, { folder: dirname(path), home: homedir() });
}
