/** What PostgreSQL, its driver and Prisma throw, told apart once: cannot be reached, refuses us, or is not ours. */
import { asRollcallError, type ErrorCode, RollcallError } from '../errors.ts';

/** Where a database is, for messages. Never the password. */
export interface DatabasePlace {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The parts of a thrown value that say what happened, whichever layer threw it. */
interface Fault {
  /** SQLSTATE, a Node socket code or a Prisma code. */
  readonly code: string;
  readonly message: string;
}

const SOCKET_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the host',
  ECONNRESET: 'it broke the connection',
  EPIPE: 'it broke the connection',
  ENOENT: 'there is no such socket',
};

/** Prisma's codes, where it kept nothing of what the driver said. */
const UNREACHED = new Set(['P1001', 'P1002', 'P1008', 'P1011', 'P1017']);
const BUSY = new Set(['P2024', 'P2028', 'P2034']);

/** Messages of the driver that carry no code. */
const BROKEN =
  /connection terminated|timeout|not queryable|connection error|connection is closed|pool after calling end/i;
const DENIED = /^SASL|password must be|no pg_hba/i;

/**
 * What the database or its driver threw, as a RollcallError whose message names the host and port, user or database
 * that is wrong. Errors of any other kind come back as `asRollcallError` makes them.
 */
export function asDatabaseError(thrown: unknown, place: DatabasePlace): RollcallError {
  if (thrown instanceof RollcallError) return thrown;
  const fault = faultOf(thrown);
  if (fault === null) return asRollcallError(thrown);
  const [code, message] = explain(fault, place);
  return new RollcallError(code, message, { cause: thrown });
}

/** The SQLSTATE of what was thrown, or undefined. */
export function sqlState(thrown: unknown): string | undefined {
  const code = faultOf(thrown)?.code;
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^P\d{4}$/.test(code) ? code : undefined;
}

function explain({ code, message }: Fault, place: DatabasePlace): [ErrorCode, string] {
  const at = `PostgreSQL at ${place.host}:${place.port}`;
  const socket = SOCKET_CODES[code];
  if (socket !== undefined) return ['DATABASE_UNREACHABLE', `${at} cannot be reached: ${socket} (${code})`];
  switch (code) {
    case '28000':
    case '28P01':
      return ['DATABASE_DENIED', `${at} refuses user "${place.user}": ${message}`];
    case '3D000':
      return ['DATABASE_DENIED', `${at} has no database "${place.database}"`];
    case '42501':
      return ['DATABASE_DENIED', `user "${place.user}" lacks a right in database "${place.database}": ${message}`];
    case '25006':
      return ['DATABASE_DENIED', `database "${place.database}" at ${place.host}:${place.port} is read-only`];
    case '42P01':
    case '42703':
    case '42704':
      return ['DATABASE_MIGRATION', `database "${place.database}" lacks a table or column of Rollcall: ${message}`];
  }
  if (UNREACHED.has(code)) return ['DATABASE_UNREACHABLE', `${at} cannot be reached: ${lastLine(message)}`];
  if (/^(08|53|57P|58|40|55P03)/.test(code) || BUSY.has(code)) {
    return ['DATABASE_UNREACHABLE', `${at} cannot serve us now: ${lastLine(message)}`];
  }
  if (DENIED.test(message)) return ['DATABASE_DENIED', `${at} refuses user "${place.user}": ${message}`];
  if (BROKEN.test(message) || /SSL|TLS|certificate/i.test(message)) {
    return ['DATABASE_UNREACHABLE', `${at} cannot be reached: ${message}`];
  }
  return ['INTERNAL', `${at}: ${lastLine(message)}`];
}

function faultOf(thrown: unknown): Fault | null {
  if (!(thrown instanceof Error) || thrown.name === 'AbortError') return null;
  const driver = driverCause(thrown);
  const code = text(driver?.['originalCode']) ?? text(driver?.['code']) ?? text(Reflect.get(thrown, 'code')) ?? '';
  const message = text(driver?.['originalMessage']) ?? text(driver?.['message']) ?? thrown.message;
  if (code === '' && driver === undefined && !BROKEN.test(message) && !DENIED.test(message)) return null;
  return { code, message: message || firstMessage(thrown) };
}

/** Prisma puts the call before what went wrong with it. */
function lastLine(message: string): string {
  return message.trim().split('\n').at(-1) ?? message;
}

/** Prisma wraps what its driver adapter threw: `cause` of the adapter's error, `meta` of the client's. */
function driverCause(error: Error): Record<string, unknown> | undefined {
  const meta = record(Reflect.get(error, 'meta'));
  const adapterError =
    record(meta?.['driverAdapterError']) ?? (error.name === 'DriverAdapterError' ? error : undefined);
  return record(adapterError === undefined ? undefined : Reflect.get(adapterError, 'cause'));
}

/** Node gives an AggregateError without a message when every address of a host name failed. */
function firstMessage(error: Error): string {
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return inner instanceof Error ? inner.message : error.name;
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
