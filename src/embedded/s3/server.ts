/**
 * An S3 endpoint in this process, for trying Rollcall out and for tests: one machine, one process, no replicas. It
 * listens on loopback only and keeps objects under one folder.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Authenticator } from './authenticate.ts';
import { BodyFiles } from './bodies.ts';
import { createBucketIn } from './buckets.ts';
import { openDatabase } from './database.ts';
import { S3Error } from './errors.ts';
import { type HandlerOptions, handle } from './http.ts';
import { ObjectStore } from './store.ts';
import type { RestoreTier, S3Context, S3Credentials } from './types.ts';

const DEFAULT_RESTORE_MS: Record<RestoreTier, number> = { Expedited: 5_000, Standard: 20_000, Bulk: 60_000 };
const IDLE_MS = 120_000;
const HEADERS_MS = 30_000;
const CLOSE_GRACE_MS = 3_000;
const MOST_CONNECTIONS = 2_048;

export interface S3ServerOptions {
  /** Objects and what is known about them lie here. One server at a time. */
  readonly dataDir: string;
  /** Loopback and nothing else: the server is no match for a network. */
  readonly host?: '127.0.0.1';
  /** 0 takes any free port; a taken one throws EADDRINUSE. */
  readonly port: number;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Further key pairs, each with what it may not do. */
  readonly extraCredentials?: readonly S3Credentials[];
  readonly region: string;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly log?: (line: string) => void;
  /** Milliseconds that a restore from an archive takes. */
  readonly restoreDelayMs?: Partial<Record<RestoreTier, number>>;
  /** Sync to the disk before an answer (default). Without it a power cut may take the last writes, never halves. */
  readonly durable?: boolean;
  /** Milliseconds without a byte either way after which a connection is cut. */
  readonly idleTimeoutMs?: number;
}

export interface S3Server {
  readonly endpoint: string;
  readonly port: number;
  /** Makes a bucket; one that is there already is fine. */
  createBucket(name: string): Promise<void>;
  /** Lets requests under way end for a few seconds, then cuts them and closes the files. */
  close(): Promise<void>;
}

/** Starts the server. Throws EADDRINUSE for a taken port, and when another process serves the folder. */
export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const { dataDir, region, clock = Date.now, log = () => undefined } = options;
  const storage = await openStorage(dataDir, options.durable ?? true, log);
  const { store } = storage;
  const context: S3Context = {
    ...storage,
    region,
    restoreDelayMs: { ...DEFAULT_RESTORE_MS, ...options.restoreDelayMs },
  };
  const authenticator = new Authenticator([options, ...(options.extraCredentials ?? [])].map(toCredentials), region);
  const running = new Set<Promise<void>>();
  const server = makeServer(
    { authenticator, context, clock, log, nextRequestId: requestIds() },
    running,
    options.idleTimeoutMs ?? IDLE_MS,
  );
  try {
    await listen(server, options.port, options.host ?? '127.0.0.1');
  } catch (error) {
    await store.close();
    throw error;
  }
  const sweeping = new AbortController();
  const swept = storage.bodies
    .sweep((from, to) => store.bodiesInUse(from, to), sweeping.signal)
    .catch((error: unknown) => log(`could not sweep unused bodies: ${String(error)}`));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    createBucket: (name) => ensureBucket(store, name, clock()),
    async close() {
      sweeping.abort();
      await stop(server);
      await Promise.allSettled([...running, swept]);
      await storage.bodies.close();
      await store.close();
    },
  };
}

async function openStorage(
  dataDir: string,
  durable: boolean,
  log: (line: string) => void,
): Promise<{ store: ObjectStore; bodies: BodyFiles }> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const database = openDatabase(join(dataDir, 's3.sqlite'), durable);
  try {
    let bodies: BodyFiles | null = null;
    const store = new ObjectStore(database, {
      syncFolders: async () => bodies?.syncFolders(),
      remove: (ids) => bodies?.remove(ids),
    });
    const isUsed = (id: number) => store.isBodyUsed(id);
    const folder = join(dataDir, 'bodies');
    bodies = await BodyFiles.open({ folder, durable, highestUsed: store.highestBody(), isUsed, log });
    return { store, bodies };
  } catch (error) {
    database.close();
    throw error;
  }
}

function makeServer(options: HandlerOptions, running: Set<Promise<void>>, idleMs: number): Server {
  // An upload may take as long as it likes while bytes keep coming, hence no limit on a whole request.
  const server = createServer({ requestTimeout: 0, headersTimeout: HEADERS_MS, keepAliveTimeout: 65_000 });
  server.timeout = idleMs;
  server.maxConnections = MOST_CONNECTIONS;
  const serve =
    (expects: boolean): Parameters<typeof createServer>[1] =>
    (request, response) => {
      const done = handle(options, request, response, expects).finally(() => running.delete(done));
      running.add(done);
    };
  const [plain, expecting] = [serve(false), serve(true)];
  if (plain !== undefined) server.on('request', plain);
  if (expecting !== undefined) server.on('checkContinue', expecting);
  return server;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  if (host !== '127.0.0.1') throw new Error(`the embedded S3 server listens on 127.0.0.1 only, not on ${host}`);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(cut);
}

async function ensureBucket(store: ObjectStore, name: string, now: number): Promise<void> {
  try {
    await createBucketIn(store, name, now);
  } catch (error) {
    if (!(error instanceof S3Error && error.code === 'BucketAlreadyOwnedByYou')) throw error;
  }
}

/** Ids that no other start of a server gives, too. */
function requestIds(): () => string {
  const start = randomBytes(5).toString('hex').toUpperCase();
  let count = 0;
  return () => start + (count++).toString(16).toUpperCase().padStart(6, '0');
}

function toCredentials(pair: S3Credentials): S3Credentials {
  const { accessKeyId, secretAccessKey, deny } = pair;
  return deny === undefined ? { accessKeyId, secretAccessKey } : { accessKeyId, secretAccessKey, deny };
}
