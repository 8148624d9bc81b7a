/** `rollcall token`: a new token for the API, told once, and the line that lets its bearer in. */
import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { loadConfig } from '../config.ts';
import { asRollcallError, ExitCode, RollcallError } from '../errors.ts';
import { tokenFile } from '../http/token-file.ts';
import { digestOf, expiryOf, isTokenName, newToken, tokenLine } from '../http/token-lines.ts';
import type { GlobalOptions, TokenArguments } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import type { Screen } from './screen.ts';
import { oneLine, printable } from './text.ts';

/** Runs `token` to its exit code. It writes no log: what it prints is a secret. BAD_INPUT, BAD_CONFIG. */
export function token(given: TokenArguments, options: GlobalOptions, screen: Screen): number {
  check(given);
  const made = newToken();
  const line = tokenLine(made, given, given.expires ?? null);
  let file: string | null = null;
  try {
    file = given.add ? addLine(line, made) : null;
  } catch (thrown) {
    const { code, message, exitCode } = asRollcallError(thrown);
    if (options.json) screen.print(jsonLine({ type: 'error', code, message: oneLine(message) }));
    screen.say(`${screen.paint.err('red', 'rollcall:')} ${oneLine(message)} (${code})`);
    return exitCode;
  }
  if (options.json) screen.print(jsonLine({ type: 'report', token: made, line, file }));
  else tell(screen, made, line, file);
  return ExitCode.ok;
}

function check({ name, expires }: TokenArguments): void {
  if (!isTokenName(name)) {
    const message = '--name must be 1 to 64 letters, digits, dots, dashes and underscores';
    throw new RollcallError('BAD_INPUT', message, { field: '--name' });
  }
  if (expires === undefined) return;
  const expiresMs = expiryOf(expires);
  if (Number.isNaN(expiresMs) || expiresMs <= Date.now()) {
    const message = '--expires must be a day to come like 2027-01-31, or a time like 2027-01-31T12:00:00Z';
    throw new RollcallError('BAD_INPUT', message, { field: '--expires' });
  }
}

function tell(screen: Screen, made: string, line: string, file: string | null): void {
  screen.print(made);
  screen.say('');
  screen.say('This token is shown once and kept nowhere. Its bearer sends it as: Authorization: Bearer <token>');
  if (file !== null) {
    screen.say(`Its line was added to ${printable(file)}; a running server takes it from the next request on.`);
    return;
  }
  screen.say('To let it in, add this line to the file that API_TOKENS_FILE names (chmod 600):');
  screen.say('');
  screen.say(line);
}

/** Appends to API_TOKENS_FILE and answers its path. What others may read or change is not added to. */
function addLine(line: string, made: string): string {
  const { apiTokensFile: path } = loadConfig();
  if (path === null) {
    throw new RollcallError('BAD_CONFIG', 'API_TOKENS_FILE must name the file to add to', { field: 'API_TOKENS_FILE' });
  }
  try {
    const fd = openSync(path, 'a+', 0o600);
    try {
      const before = readFileSync(fd, 'utf8');
      appendFileSync(fd, `${before === '' || before.endsWith('\n') ? '' : '\n'}${line}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const why = oneLine((cause as Error).message);
    throw new RollcallError('BAD_CONFIG', `API_TOKENS_FILE cannot be written: ${why}`, { cause });
  }
  return proven(path, made);
}

/** Read as the server will read it. */
function proven(path: string, made: string): string {
  const nobody = { debug() {}, info() {}, warn() {}, error() {} };
  const source = tokenFile(path, nobody);
  if (!source.entries().some(({ digest }) => digest.equals(digestOf(made)))) source.check();
  return path;
}
