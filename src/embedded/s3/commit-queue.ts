/** Group commit: works that wait together share one transaction, and so one sync of the disk. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { S3Error } from './errors.ts';

const MOST_TOGETHER = 256;

interface Waiting {
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class CommitQueue {
  readonly #database: DatabaseSync;
  readonly #before: () => Promise<void>;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;

  /** `before` runs ahead of each transaction and covers everything that was queued by then. */
  constructor(database: DatabaseSync, before: () => Promise<void>) {
    this.#database = database;
    this.#before = before;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
  }

  /**
   * Runs a work inside a transaction and resolves when it is committed. A work sees the effects of those before it and
   * runs without interruption. It may refuse by throwing an S3Error, but only before it has written anything: any other
   * error undoes the whole transaction and is given to all who share it.
   */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Waits until nothing is queued. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // A commit holds up the process until it is on the disk: requests that are there already are taken in before.
      await turn();
      const batch = this.#waiting.splice(0, MOST_TOGETHER);
      try {
        await this.#before();
        for (const settle of this.#transact(batch)) settle();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    // In one go with the last look at the queue, or what is queued in between would wait for ever.
    this.#running = null;
  }

  #transact(batch: readonly Waiting[]): (() => void)[] {
    const settled: (() => void)[] = [];
    this.#begin.run();
    try {
      for (const { work, resolve, reject } of batch) {
        try {
          const value = work();
          settled.push(() => resolve(value));
        } catch (error) {
          if (!(error instanceof S3Error)) throw error;
          settled.push(() => reject(error));
        }
      }
      this.#commit.run();
    } catch (error) {
      tryRollback(this.#database);
      throw error;
    }
    return settled;
  }
}

function tryRollback(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // A COMMIT that failed, or a full disk, may have ended the transaction already.
  }
}
