/** The embedded PostgreSQL and S3, for a process that needs them. */
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { RollcallError } from '../errors.ts';
import { connectToHost, type HostConnection, HostGone, hasHost } from './host-connection.ts';
import type { Opened, OpenRequest, S3Access } from './wire.ts';

export interface EmbeddedRequest {
  /** DATA_DIR, absolute; made when it is missing. */
  readonly dataDir: string;
  readonly database: boolean;
  readonly s3: boolean;
  /** The bucket to have in the embedded S3; `rollcall` when it is not given. */
  readonly s3Bucket?: string;
}

/** Services that run for as long as this is not closed. */
export interface EmbeddedServices {
  readonly database: { readonly url: string } | null;
  readonly s3: (S3Access & { readonly bucket: string }) | null;
  /** What a person should know: another port was taken and why, data lies elsewhere, something was recovered. */
  readonly notices: readonly string[];
  /** Makes a bucket in the embedded S3 unless it exists. */
  ensureBucket(name: string): Promise<void>;
  /** Lets go of the services. The last to let go waits until they are down. */
  close(): Promise<void>;
}

const DEFAULT_BUCKET = 'rollcall';
const HOST_ATTEMPTS = 5;

/**
 * The embedded services of a DATA_DIR (DESIGN 14): those that run there already, or newly started ones. They live in a
 * process of their own that ends with its last client, so that a command run while `serve` is up uses what runs there
 * and neither stops the other's. DATABASE_UNREACHABLE or BUCKET_UNREACHABLE with what the service said when one does
 * not come up, BAD_CONFIG when DATA_DIR can't be used; on abort the signal's reason.
 */
export async function attachEmbedded(request: EmbeddedRequest, signal: AbortSignal): Promise<EmbeddedServices> {
  const { database, s3, s3Bucket: bucket = DEFAULT_BUCKET } = request;
  if (!database && !s3) return nothing();
  if (process.platform === 'win32') {
    const message = 'The embedded services do not run on Windows. Use WSL, or set DATABASE_URL and S3_BUCKET.';
    throw new RollcallError('BAD_CONFIG', message);
  }
  const hold = new Hold(makeDataDir(request.dataDir), { do: 'open', database, s3 });
  try {
    const opened = await hold.open(signal);
    if (s3) await hold.ensureBucket(bucket, signal);
    return {
      ...opened,
      s3: opened.s3 && { ...opened.s3, bucket },
      ensureBucket: (name) => hold.ensureBucket(name, new AbortController().signal),
      close: () => hold.close(),
    };
  } catch (error) {
    await hold.close();
    throw error;
  }
}

/** Do embedded services of this DATA_DIR run? Starts none. BAD_CONFIG when another user runs them. */
export async function embeddedRuns(dataDir: string): Promise<boolean> {
  return existsSync(dataDir) && (await hasHost(realpathSync(dataDir)));
}

/** One client's hold on the services, taken up again with the next host when a host is killed. */
class Hold {
  readonly #dataDir: string;
  readonly #request: OpenRequest;
  readonly #closing = new AbortController();
  #connection: Promise<HostConnection | null> = Promise.resolve(null);

  constructor(dataDir: string, request: OpenRequest) {
    this.#dataDir = dataDir;
    this.#request = request;
  }

  async open(signal: AbortSignal): Promise<Opened> {
    for (let attempt = 1; ; attempt++) {
      const connection = await connectToHost(this.#dataDir, signal);
      try {
        const opened = await connection.request(this.#request, signal);
        if (opened === null) throw new Error('the host answered a request to open with nothing');
        this.#keep(connection);
        return opened;
      } catch (error) {
        await connection.release();
        // It was about to end with its last client when this one came.
        if (!(error instanceof HostGone)) throw error;
        if (attempt === HOST_ATTEMPTS) throw new RollcallError('DATABASE_UNREACHABLE', error.message, { cause: error });
      }
    }
  }

  async ensureBucket(name: string, signal: AbortSignal): Promise<void> {
    const connection = await this.#connection;
    await connection?.request({ do: 'bucket', name }, signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const connection = await this.#connection;
    await connection?.release();
  }

  #keep(connection: HostConnection): void {
    this.#connection = Promise.resolve(connection);
    void connection.closed.then(() => {
      if (this.#closing.signal.aborted) return;
      // The services come back on the addresses they had. If they don't, whoever uses them finds out there.
      this.#connection = this.open(this.#closing.signal).then(
        () => this.#connection,
        () => null,
      );
    });
  }
}

function makeDataDir(path: string): string {
  try {
    // Only the folder itself is private, not those above it that are missing too.
    mkdirSync(dirname(path), { recursive: true });
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return realpathSync(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RollcallError('BAD_CONFIG', `DATA_DIR can't be made: ${why}`, { cause, field: 'DATA_DIR' });
  }
}

function nothing(): EmbeddedServices {
  return { database: null, s3: null, notices: [], ensureBucket: async () => {}, close: async () => {} };
}
