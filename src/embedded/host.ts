/**
 * The process that holds the embedded services of one DATA_DIR. Started by attach.ts, in a session of its own, with
 * that folder as its only argument. It serves whoever connects to its socket and ends, with all it started, when the
 * last connection is gone.
 */
import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { asRollcallError, RollcallError } from '../errors.ts';
import { Services } from './services.ts';
import { SOCKET_FILE, withSocketPath } from './socket-path.ts';
import { type Answer, type Numbered, type Opened, onMessages, type Request, send } from './wire.ts';

/** Whoever started this process may have died since; one that is only slow starts the next. */
const FIRST_CLIENT_MS = 2_000;
const LOCK_PATIENCE_MS = 120_000;
const SQLITE_BUSY = 5;

/**
 * The right to be the host: a lock that the kernel takes back however this process ends, so that it can't go stale.
 * SQLite is how Node reaches such a lock; nothing is ever stored. Null when another process has it.
 */
function takeLock(dataDir: string): DatabaseSync | null {
  const path = join(dataDir, 'embedded.lock');
  let file: DatabaseSync | undefined;
  try {
    file = new DatabaseSync(path);
    file.exec('BEGIN IMMEDIATE');
    return file;
  } catch (error) {
    file?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return null;
    throw new RollcallError('DATABASE_UNREACHABLE', `${path} can't be locked: ${asRollcallError(error).message}`);
  }
}

/** Null when another host is up. One that is on its way out is waited for. */
async function becomeHost(dataDir: string): Promise<DatabaseSync | null> {
  for (let waited = 0; waited < LOCK_PATIENCE_MS; waited += 20) {
    const lock = takeLock(dataDir);
    if (lock !== null) return lock;
    if (await isServed(dataDir)) return null;
    await wait(20);
  }
  throw new RollcallError('DATABASE_UNREACHABLE', 'The embedded services are still being stopped by another process.');
}

function isServed(dataDir: string): Promise<boolean> {
  return withSocketPath(
    dataDir,
    (path) =>
      new Promise((resolve) => {
        const socket = connect(path, () => {
          resolve(true);
          socket.destroy();
        });
        socket.on('error', () => resolve(false));
      }),
  );
}

async function listen(server: Server, dataDir: string): Promise<void> {
  // With the lock held, a socket that is still there is a dead host's.
  rmSync(join(dataDir, SOCKET_FILE), { force: true });
  await withSocketPath(
    dataDir,
    (path) =>
      new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, resolve);
      }),
  );
}

async function answer(services: Services, request: Numbered<Request>): Promise<Answer> {
  const { id } = request;
  try {
    let done: Opened | null = null;
    if (request.do === 'open') done = await services.open(request);
    else await services.ensureBucket(request.name);
    return { id, done };
  } catch (error) {
    const { code, message } = asRollcallError(error);
    return { id, failed: { code, message } };
  }
}

/** Serves clients until the last one that asked for something is gone; settles then. */
async function serve(dataDir: string, services: Services): Promise<void> {
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true });
  await listen(server, dataDir);
  await new Promise<void>((resolve) => {
    let ending = false;
    const end = () => {
      ending = true;
      server.close();
      resolve();
    };
    const noClient = setTimeout(end, FIRST_CLIENT_MS);
    const leave = (client: Socket) => {
      // The last one's connection stays open until this process ends: so it knows that everything is down.
      if (clients.delete(client) && clients.size === 0) end();
      else if (!ending) client.end();
    };
    server.on('connection', (client) => {
      for (const event of ['end', 'error', 'close']) client.on(event, () => leave(client));
      onMessages<Numbered<Request>>(client, async (request) => {
        // Too late for this host: the client asks the next one.
        if (ending) return client.destroy();
        clearTimeout(noClient);
        clients.add(client);
        send(client, await answer(services, request));
      });
    });
  });
}

async function main(dataDir: string): Promise<void> {
  // Whatever is made from here on is its owner's alone.
  process.umask(0o077);
  // A terminal's Ctrl-C and a session's end are for the clients; what runs here ends with the last of them.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  const lock = await becomeHost(dataDir);
  if (lock === null) return;
  const services = new Services(dataDir);
  try {
    await serve(dataDir, services);
  } finally {
    await services.stop();
    lock.close();
  }
}

const [, , dataDir] = process.argv;
main(dataDir ?? '.').then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${asRollcallError(error).message}\n`);
    process.exit(1);
  },
);
