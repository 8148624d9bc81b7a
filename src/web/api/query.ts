/** What the page asks of the server: shown as it was while it is asked for again, and ended when nobody looks any more. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Client } from '../../client/client.ts';
import { mayPass } from '../logic/problems.ts';
import { useStore } from '../ui/store.ts';
import { session } from './session.ts';

export interface Query<Data> {
  readonly data: Data | undefined;
  readonly error: unknown;
  readonly loading: boolean;
  /** Asks again. */
  reload(): void;
}

export type Load<Data> = (client: Client, signal: AbortSignal) => Promise<Data>;

/** The latest answers, so that going back shows them at once. */
const kept = new Map<string, unknown>();
const MOST_KEPT = 50;

function keep(key: string, data: unknown): void {
  kept.delete(key);
  kept.set(key, data);
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
}

/** For after something was done: what was answered before it is not shown any more. */
export function forgetAnswers(): void {
  kept.clear();
}

/** The server may come back at any moment. */
export const AFTER_ERROR_MS = 5_000;

interface State {
  readonly key: string;
  readonly data: unknown;
  readonly error: unknown;
  readonly loading: boolean;
}

const opening = (key: string): State => ({ key, data: kept.get(key), error: null, loading: true });

/**
 * What `load` answers, asked for anew when `key` changes, every `everyMs` while the page is seen, and soon after errors that may pass.
 * `key` is everything that the answer depends on.
 */
export function useQuery<Data>(key: string, load: Load<Data>, everyMs?: number): Query<Data> {
  const { client } = useStore(session);
  const [state, setState] = useState<State>(() => opening(key));
  const [round, setRound] = useState(0);
  const loader = useRef(load);
  loader.current = load;
  const current = state.key === key ? state : opening(key);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round is asked for by its number.
  useEffect(() => {
    const ending = new AbortController();
    setState((before) => (before.key === key ? { ...before, loading: true } : opening(key)));
    loader.current(client, ending.signal).then(
      (data) => {
        if (ending.signal.aborted) return;
        keep(key, data);
        setState({ key, data, error: null, loading: false });
      },
      (error: unknown) => {
        if (ending.signal.aborted) return;
        setState((before) => ({ key, data: before.key === key ? before.data : undefined, error, loading: false }));
      },
    );
    return () => ending.abort();
  }, [client, key, round]);

  const wait = mayPass(current.error) ? AFTER_ERROR_MS : everyMs;
  useEffect(() => {
    if (wait === undefined) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setRound((n) => n + 1);
    }, wait);
    return () => clearInterval(timer);
  }, [wait]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  return { data: current.data as Data | undefined, error: current.error, loading: current.loading, reload };
}
