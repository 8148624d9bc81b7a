/** Writes what actions left behind to the catalog, in batches, in the order in which it happened. */
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { ActionRecord, CatalogPort, RowChange } from './catalog-port.ts';
import type { Library } from './types.ts';

/** An action's effect, verified, and its line in the run's history. */
export interface Outcome {
  readonly record: ActionRecord;
  readonly change?: RowChange;
}

/** A transaction costs as much as some hundred rows. What a crash leaves unwritten is adopted by the next run. */
const BATCH = 2_000;
const MS_BETWEEN_WRITES = 1_000;

export class Recorder {
  readonly #catalog: CatalogPort;
  readonly #library: Library;
  readonly #runId: string;
  readonly #onRefused: (outcome: Outcome, error: RollcallError) => void;
  #waiting: Outcome[] = [];
  #writing: Promise<void> = Promise.resolve();
  #lastWriteMs: number;
  readonly #now: () => number;

  constructor(options: {
    readonly catalog: CatalogPort;
    readonly library: Library;
    readonly runId: string;
    readonly now: () => number;
    /** The database takes the others but not this one. */
    readonly onRefused: (outcome: Outcome, error: RollcallError) => void;
  }) {
    this.#catalog = options.catalog;
    this.#library = options.library;
    this.#runId = options.runId;
    this.#now = options.now;
    this.#onRefused = options.onRefused;
    this.#lastWriteMs = options.now();
  }

  /** Takes an outcome; waits when a batch is due, so that memory stays bounded. Throws if the database is gone. */
  async add(outcome: Outcome): Promise<void> {
    this.#waiting.push(outcome);
    const due = this.#now() - this.#lastWriteMs >= MS_BETWEEN_WRITES;
    if (this.#waiting.length >= BATCH || due) await this.flush();
  }

  /** Resolves when all that was added is in the catalog. */
  flush(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#lastWriteMs = this.#now();
    this.#writing = this.#writing.then(() => this.#write(batch));
    return this.#writing;
  }

  async #write(batch: readonly Outcome[]): Promise<void> {
    if (batch.length === 0) return;
    const written = await this.#apply(batch);
    await this.#catalog.recordActions(
      this.#runId,
      written.map((outcome) => outcome.record),
    );
  }

  /** Applies all changes; when the database refuses, halves the batch until the one it refuses stands alone. */
  async #apply(batch: readonly Outcome[]): Promise<readonly Outcome[]> {
    const changes = batch.flatMap((outcome) => (outcome.change ? [outcome.change] : []));
    try {
      if (changes.length > 0) await this.#catalog.apply(this.#library, changes);
      return batch;
    } catch (thrown) {
      const error = asRollcallError(thrown);
      if (error.code.startsWith('DATABASE_')) throw error;
      const [only] = batch;
      if (batch.length === 1 && only) return [this.#refuse(only, error)];
      const half = Math.ceil(batch.length / 2);
      return [...(await this.#apply(batch.slice(0, half))), ...(await this.#apply(batch.slice(half)))];
    }
  }

  #refuse(outcome: Outcome, error: RollcallError): Outcome {
    this.#onRefused(outcome, error);
    return { record: { ...outcome.record, outcome: 'failed', code: error.code, message: error.message } };
  }
}
