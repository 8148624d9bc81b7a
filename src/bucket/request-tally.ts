/** How many requests went to S3, and how they were answered. */
import type { S3RequestCount } from '../sync/figures.ts';
import type { OnRequest } from './requests.ts';

/** Counts by kind and status; of both there are few. */
export class RequestTally {
  readonly #counts = new Map<string, S3RequestCount>();

  readonly count: OnRequest = (kind, status) => {
    const name = `${kind} ${status}`;
    const count = (this.#counts.get(name)?.count ?? 0) + 1;
    this.#counts.set(name, { kind, status, count });
  };

  counts(): readonly S3RequestCount[] {
    return [...this.#counts.values()];
  }
}
