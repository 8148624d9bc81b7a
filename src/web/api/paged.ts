/** A list by cursors, fetched as far as somebody has scrolled. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Client } from '../../client/client.ts';
import { addPage, EMPTY, type Paged, wanted } from '../logic/pages.ts';
import { useStore } from '../ui/store.ts';
import { session } from './session.ts';

export interface PagedQuery<Item> {
  readonly list: Paged<Item>;
  readonly error: unknown;
  readonly loading: boolean;
  /** The item at this place is looked at. */
  see(at: number): void;
  /** Begins anew. */
  reload(): void;
  /** Goes on after an error. */
  retry(): void;
}

export type LoadPage<Item> = (
  client: Client,
  page: { limit: number; cursor?: string },
  signal: AbortSignal,
) => Promise<{ readonly items: readonly Item[]; readonly nextCursor: string | null }>;

interface State<Item> {
  readonly list: Paged<Item>;
  readonly error: unknown;
  readonly loading: boolean;
}

export function usePaged<Item>(key: string, load: LoadPage<Item>): PagedQuery<Item> {
  const { client } = useStore(session);
  const [round, setRound] = useState(0);
  const [seen, setSeen] = useState(0);
  const [state, setState] = useState<State<Item>>({ list: EMPTY, error: null, loading: true });
  const loader = useRef(load);
  loader.current = load;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another list, or the same one anew, begins empty.
  useEffect(() => {
    setState({ list: EMPTY, error: null, loading: true });
    setSeen(0);
  }, [client, key, round]);

  const limit = state.error === null ? wanted(state.list, seen) : 0;
  const { cursor } = state.list;
  const isLacking = limit > 0;
  const ask = useRef(limit);
  ask.current = limit;
  // biome-ignore lint/correctness/useExhaustiveDependencies: one page at a time: the next is asked for when this one is there.
  useEffect(() => {
    if (!isLacking) return;
    const ending = new AbortController();
    const page = { limit: ask.current, ...(cursor !== null && { cursor }) };
    loader.current(client, page, ending.signal).then(
      (found) => {
        if (!ending.signal.aborted)
          setState(({ list }) => ({ list: addPage(list, found), error: null, loading: false }));
      },
      (error: unknown) => {
        if (!ending.signal.aborted) setState(({ list }) => ({ list, error, loading: false }));
      },
    );
    return () => ending.abort();
  }, [client, key, round, cursor, isLacking, state.list.started]);

  const see = useCallback((at: number) => setSeen((before) => Math.max(before, at)), []);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const retry = useCallback(() => setState((before) => ({ ...before, error: null })), []);
  return { ...state, see, reload, retry };
}
