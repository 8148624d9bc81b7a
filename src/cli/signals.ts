/** SIGINT, SIGTERM and SIGHUP: the first asks a command to finish what it has in hand, a later one ends it at once. */

/**
 * A second Ctrl-C counts only after this long: npm and npx hand the terminal's SIGINT on to a program that the
 * terminal has sent it to already, so one key press arrives twice.
 */
const SAME_KEYPRESS_MS = 500;

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type StopSignal = keyof typeof EXIT_CODES;

export interface StopSignals {
  /** Aborts at the first signal, with an AbortError that names it. */
  readonly signal: AbortSignal;
  /** Listens no more. */
  close(): void;
}

/** Listens for stop signals. `onFirst` may say a word; `atOnce` ends the process and must not return to it. */
export function listenForStop(onFirst: (name: StopSignal) => void, atOnce: (exitCode: number) => void): StopSignals {
  const controller = new AbortController();
  let firstAtMs: number | null = null;
  const onSignal = (name: StopSignal) => {
    if (firstAtMs === null) {
      firstAtMs = performance.now();
      onFirst(name);
      controller.abort(new DOMException(`stopped by ${name}`, 'AbortError'));
    } else if (performance.now() - firstAtMs > SAME_KEYPRESS_MS) {
      atOnce(EXIT_CODES[name]);
    }
  };
  const names = Object.keys(EXIT_CODES) as StopSignal[];
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    close: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
