/** The services of one DATA_DIR as its host runs them: each started when first asked for, all stopped together. */
import { join } from 'node:path';
import { RollcallError } from '../errors.ts';
import { BoundedLog } from './bounded-log.ts';
import { postgresPlace } from './place.ts';
import { freePorts } from './ports.ts';
import { type RunningPostgres, startPostgres } from './postgres.ts';
import type { S3Server } from './s3/server.ts';
import { type EmbeddedState, newSecret, readState, STATE_FILE, writeState } from './state.ts';
import type { Opened, OpenRequest, S3Access } from './wire.ts';

const REGION = 'us-east-1';

interface RunningS3 {
  readonly server: S3Server;
  readonly access: S3Access;
  readonly notices: readonly string[];
}

/** For the one host of `dataDir`, a real path. */
export class Services {
  readonly #dataDir: string;
  readonly #stopping = new AbortController();
  readonly #notices: string[] = [];
  #state: EmbeddedState;
  #postgres: Promise<RunningPostgres> | undefined;
  #s3: Promise<RunningS3> | undefined;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    const { state, broken } = readState(dataDir);
    this.#state = state;
    if (broken) this.#notices.push(`${STATE_FILE} in ${dataDir} was damaged: ports and passwords are new ones.`);
  }

  /** Starts what is asked for and does not run. A part that failed to start is tried again by the next call. */
  async open(request: OpenRequest): Promise<Opened> {
    this.#stopping.signal.throwIfAborted();
    const [postgres, s3] = await Promise.all([
      request.database ? this.#runningPostgres() : null,
      request.s3 ? this.#runningS3() : null,
    ]);
    return {
      database: postgres && { url: postgres.url },
      s3: s3?.access ?? null,
      notices: [...this.#notices, ...(postgres?.notices ?? []), ...(s3?.notices ?? [])],
    };
  }

  /** Makes a bucket of the embedded S3 unless it exists. */
  async ensureBucket(name: string): Promise<void> {
    const { server } = await this.#runningS3();
    try {
      await server.createBucket(name);
    } catch (cause) {
      const message = `Bucket ${name} can't be made in the embedded S3: ${messageOf(cause)}`;
      throw new RollcallError('BUCKET_MISSING', message, { cause });
    }
  }

  /** Stops what runs and what is being started; afterwards nothing of it is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const stops = [this.#postgres?.then((running) => running.stop()), this.#s3?.then(({ server }) => server.close())];
    await Promise.allSettled(stops);
  }

  #runningPostgres(): Promise<RunningPostgres> {
    this.#postgres ??= this.#startPostgres().then(
      (running) => {
        void running.exited.then(() => this.#afterPostgres());
        return running;
      },
      (error: unknown) => {
        this.#postgres = undefined;
        throw error;
      },
    );
    return this.#postgres;
  }

  /** The server ended, but nobody here ended it (out of memory, a stray signal): clients still count on it. */
  #afterPostgres(): void {
    this.#postgres = undefined;
    // A failure is kept for nobody: the next to ask for the database tries again and is told.
    if (!this.#stopping.signal.aborted) this.#runningPostgres().catch(() => {});
  }

  async #startPostgres(): Promise<RunningPostgres> {
    const { password, port } = this.#state.database;
    const options = {
      place: await postgresPlace(this.#dataDir),
      password: password ?? newSecret(),
      passwordIsNew: password === null,
      lastPort: port,
      log: new BoundedLog(join(this.#dataDir, 'postgres.log')),
    };
    const running = await startPostgres(options, this.#stopping.signal);
    this.#remember({ ...this.#state, database: { password: options.password, port: running.port } });
    return running;
  }

  #runningS3(): Promise<RunningS3> {
    this.#s3 ??= this.#startS3().catch((error: unknown) => {
      this.#s3 = undefined;
      throw error;
    });
    return this.#s3;
  }

  async #startS3(): Promise<RunningS3> {
    const { startS3Server } = await import('./s3/server.ts');
    const { port: lastPort, accessKeyId, secretAccessKey } = this.#state.s3;
    const access = { region: REGION, accessKeyId, secretAccessKey };
    const s3Log = new BoundedLog(join(this.#dataDir, 's3.log'));
    const log = (line: string) => s3Log.write(`${new Date().toISOString()} ${line}\n`);
    const dataDir = join(this.#dataDir, 's3');
    for await (const port of freePorts(lastPort, `s3 ${this.#dataDir}`)) {
      const server = await startS3Server({ dataDir, ...access, port, log }).catch(nullIfPortTaken);
      if (server === null) continue;
      this.#remember({ ...this.#state, s3: { ...this.#state.s3, port } });
      const taken = `Port ${lastPort}, the embedded S3's until now, is taken: it is on port ${port}.`;
      const notices = lastPort === null || lastPort === port ? [] : [taken];
      return { server, access: { ...access, endpoint: `http://127.0.0.1:${port}` }, notices };
    }
    throw new RollcallError('BUCKET_UNREACHABLE', 'There is no free port on 127.0.0.1 for the embedded S3.');
  }

  #remember(state: EmbeddedState): void {
    const same = JSON.stringify(state) === JSON.stringify(this.#state);
    this.#state = state;
    if (same) return;
    try {
      writeState(this.#dataDir, state);
    } catch (error) {
      // What runs, runs; the next start makes new secrets and gives them to the data that is there.
      this.#notices.push(`${STATE_FILE} can't be written: ${messageOf(error)}`);
    }
  }
}

function nullIfPortTaken(cause: unknown): null {
  if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
  throw new RollcallError('BUCKET_UNREACHABLE', `The embedded S3 did not start: ${messageOf(cause)}`, { cause });
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
