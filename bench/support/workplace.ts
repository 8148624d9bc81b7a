/** Where a benchmark works: a temporary folder, and everything it started, both gone when it ends. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Workplace {
  readonly folder: string;
  readonly #closers: (() => Promise<unknown> | unknown)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.#closers.push(() => rm(folder, { recursive: true, force: true }));
  }

  static async open(): Promise<Workplace> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
    // PostgreSQL does not run as root: the user that it runs as then has to get through.
    await chmod(folder, 0o755);
    return new Workplace(folder);
  }

  /** Works in one that is gone afterwards, whatever comes of it. */
  static async use<Answer>(work: (place: Workplace) => Promise<Answer>): Promise<Answer> {
    const place = await Workplace.open();
    try {
      return await work(place);
    } finally {
      await place.close();
    }
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** To be called at the end, in reverse order. */
  defer(closer: () => Promise<unknown> | unknown): void {
    this.#closers.push(closer);
  }

  /** Calls every closer, also after one that fails; the first failure is thrown at the end. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const closer of this.#closers.splice(0).reverse()) {
      try {
        await closer();
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
