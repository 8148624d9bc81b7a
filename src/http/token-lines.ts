/** The lines of API_TOKENS_FILE, `scope | name | sha256 of the token | expires`: tokens by their digests. Pure. */
import { createHash, randomBytes } from 'node:crypto';
import { type Caller, SCOPES, type Scope } from './scopes.ts';

/** A token that is good, known by its digest: from the file nobody learns one. */
export interface TokenEntry extends Caller {
  readonly digest: Buffer;
  /** Null: until its line is taken away. */
  readonly expiresMs: number | null;
}

/** A line that is passed over, and what would be right. Never repeats what stands there: it may be a token. */
export interface TokenFault {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/;
const FORM = 'scope | name | sha256-of-the-token | expires';

/** Reads the lines. One that is wrong opens nothing and stops none of the others. */
export function parseTokenLines(text: string): { entries: TokenEntry[]; faults: TokenFault[] } {
  const entries: TokenEntry[] = [];
  const faults: TokenFault[] = [];
  for (const [index, content] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = content.trim();
    if (line === '' || line.startsWith('#')) continue;
    const read = readLine(line);
    if (typeof read === 'string') faults.push({ line: index + 1, message: read });
    else if (entries.some(({ digest }) => digest.equals(read.digest))) {
      faults.push({ line: index + 1, message: 'has the token of a line before it: take one of them away' });
    } else entries.push(read);
  }
  return { entries, faults };
}

function readLine(line: string): TokenEntry | string {
  const fields = line.split('|').map((field) => field.trim());
  if (fields.length < 3 || fields.length > 4) return `must have three or four fields, ${FORM}`;
  const [scope = '', name = '', hex = '', expires = ''] = fields;
  if (!isScope(scope)) return `must begin with a scope: ${SCOPES.join(', ')}`;
  if (!isTokenName(name)) return 'must have a name of 1 to 64 letters, digits, dots, dashes and underscores';
  if (!/^[0-9a-f]{64}$/i.test(hex))
    return 'must have the SHA-256 of the token, 64 of 0-9 and a-f; never the token itself';
  const expiresMs = expires === '' ? null : expiryOf(expires);
  if (Number.isNaN(expiresMs)) return 'must end on a day like 2027-01-31, or a time like 2027-01-31T12:00:00Z';
  return { scope, name, digest: Buffer.from(hex, 'hex'), expiresMs };
}

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

export function isTokenName(text: string): boolean {
  return NAME.test(text);
}

/** From when on a token is good no more, in ms: a day means its beginning in UTC. NaN: this is no time. */
export function expiryOf(text: string): number {
  if (!DATE.test(text)) return Number.NaN;
  const ms = Date.parse(text);
  // February the 30th would become March the 2nd.
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text.slice(0, 10) ? Number.NaN : ms;
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** 256 random bits behind a word by which scanners for leaked secrets find it. */
export function newToken(): string {
  return `rollcall_${randomBytes(32).toString('base64url')}`;
}

/** The line of a token. */
export function tokenLine(token: string, { scope, name }: Caller, expires: string | null): string {
  return [scope, name, digestOf(token).toString('hex'), ...(expires === null ? [] : [expires])].join(' | ');
}
