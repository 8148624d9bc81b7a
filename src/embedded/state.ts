/** DATA_DIR/embedded.json: the secrets of the embedded services, made once, and the ports they had last time. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface EmbeddedState {
  readonly database: {
    /** Null until the database knows it. */
    readonly password: string | null;
    readonly port: number | null;
  };
  readonly s3: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly port: number | null };
}

export const STATE_FILE = 'embedded.json';

/** The state of the last start, or a new one when there is none or `broken`: what is lost can all be made again. */
export function readState(dataDir: string): { state: EmbeddedState; broken: boolean } {
  try {
    const state = parseState(JSON.parse(readFileSync(join(dataDir, STATE_FILE), 'utf8')));
    return { state: state ?? newState(), broken: state === null };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { state: newState(), broken: false };
    if (error instanceof SyntaxError) return { state: newState(), broken: true };
    throw error;
  }
}

/** Replaces the file whole; readable by its owner only. For the one host of the folder. */
export function writeState(dataDir: string, state: EmbeddedState): void {
  const unfinished = join(dataDir, `${STATE_FILE}.part`);
  const file = openSync(unfinished, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(state, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(unfinished, join(dataDir, STATE_FILE));
}

/** A secret that needs no quoting in a URL, in SQL or in a shell. */
export function newSecret(): string {
  return randomBytes(24).toString('hex');
}

function newState(): EmbeddedState {
  const accessKeyId = `ROLLCALL${randomBytes(6).toString('hex').toUpperCase()}`;
  return {
    database: { password: null, port: null },
    s3: { accessKeyId, secretAccessKey: newSecret(), port: null },
  };
}

function parseState(json: unknown): EmbeddedState | null {
  const { database, s3 } = (json ?? {}) as { database?: Record<string, unknown>; s3?: Record<string, unknown> };
  const password = database?.['password'] ?? null;
  const { accessKeyId, secretAccessKey } = s3 ?? {};
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return null;
  // The password goes into SQL: only one of our own making is taken.
  if (password !== null && !(typeof password === 'string' && /^[0-9a-f]{48}$/.test(password))) return null;
  return {
    database: { password, port: portOrNull(database?.['port']) },
    s3: { accessKeyId, secretAccessKey, port: portOrNull(s3?.['port']) },
  };
}

function portOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65536 ? value : null;
}
