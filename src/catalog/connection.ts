/** A database address as the driver and Prisma want it. */
import { Socket } from 'node:net';
import pg from 'pg';
import { RollcallError } from '../errors.ts';
import { asDatabaseError, type DatabasePlace } from './errors.ts';

/** How long a connection may take to be made. */
const CONNECT_MS = 10_000;

export interface ConnectionSettings {
  readonly config: pg.ClientConfig;
  readonly place: DatabasePlace;
  /** The schema that holds our tables: `?schema=…` of the address, as Prisma spells it. */
  readonly schema: string;
}

/** Reads a `postgresql://` address. BAD_CONFIG, without the address (it holds a password), when it is none. */
export function connectionSettings(url: string): ConnectionSettings {
  try {
    const address = new URL(url);
    const schema = address.searchParams.get('schema') ?? 'public';
    address.searchParams.delete('schema');
    const config: pg.ClientConfig = {
      connectionString: address.href,
      application_name: 'rollcall',
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...(schema === 'public'
        ? {}
        : { options: `-c search_path=${pg.escapeIdentifier(schema).replaceAll(' ', '\\ ')}` }),
    };
    const { host, port, database, user } = new pg.Client(config);
    return { config, schema, place: { host, port, database: database ?? user ?? '', user: user ?? '' } };
  } catch {
    const example = 'postgresql://user:password@host:5432/name';
    throw new RollcallError('BAD_CONFIG', `DATABASE_URL must be a PostgreSQL address like ${example}`, {
      field: 'DATABASE_URL',
    });
  }
}

/**
 * A connection of its own, outside the pool. Aborting `signal` breaks it, whatever statement it is running; whoever
 * asked for it ends it. DATABASE_UNREACHABLE, DATABASE_DENIED.
 */
export async function connect(settings: ConnectionSettings, signal: AbortSignal): Promise<pg.Client> {
  signal.throwIfAborted();
  const socket = new Socket();
  const client = new pg.Client({ ...settings.config, stream: () => socket });
  // Without a listener a connection that breaks while idle would end the process; the next statement reports it.
  client.on('error', () => {});
  const abort = () => socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  client.once('end', () => signal.removeEventListener('abort', abort));
  try {
    await client.connect();
    return client;
  } catch (thrown) {
    signal.removeEventListener('abort', abort);
    socket.destroy();
    signal.throwIfAborted();
    throw asDatabaseError(thrown, settings.place);
  }
}
