/** A bounded amount of something (places, bytes), given out in the order in which it was asked for. */
export class Budget {
  readonly #total: number;
  #free: number;
  readonly #waiting: { readonly amount: number; grant(): void }[] = [];

  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  /**
   * Waits for so much to be free and answers the function that gives it back; more than there is of it at all counts
   * as all of it. Rejects with the signal's reason.
   */
  async take(wanted: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const amount = Math.min(wanted, this.#total);
    // Behind others also when it would fit: what is large must get its turn too.
    if (this.#waiting.length > 0 || amount > this.#free) await this.#wait(amount, signal);
    else this.#free -= amount;
    return () => this.#release(amount);
  }

  #wait(amount: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const grant = (): void => {
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      const place = { amount, grant };
      const aborted = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(place), 1);
        this.#serve();
        reject(signal.reason);
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.push(place);
    });
  }

  #release(amount: number): void {
    this.#free += amount;
    this.#serve();
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.amount <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.amount;
      next.grant();
    }
  }
}
