/** A list by cursors, fetched as far as somebody has scrolled. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Client } from '../../client/client.ts';
import { grow, NOTHING, type Paged, type Renewed, renew, wanted } from '../logic/pages.ts';
import { mayPass } from '../logic/problems.ts';
import { useStore } from '../ui/store.ts';
import { AFTER_ERROR_MS } from './query.ts';
import { session } from './session.ts';

export interface PagedQuery<Item> {
  readonly list: Paged<Item>;
  readonly error: unknown;
  /** The item at this place is looked at. */
  see(at: number): void;
  /** Asks for it anew; what is shown stays meanwhile. */
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
  /** What the list is of. */
  readonly key: string;
  readonly lists: Renewed<Item>;
  readonly error: unknown;
}

export function usePaged<Item>(key: string, load: LoadPage<Item>): PagedQuery<Item> {
  const { client } = useStore(session);
  const [round, setRound] = useState(0);
  const [seen, setSeen] = useState(0);
  const [state, setState] = useState<State<Item>>({ key, lists: NOTHING, error: null });
  const latest = useRef({ load, seen });
  latest.current = { load, seen };

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round is asked for by its number.
  useEffect(() => {
    setState((before) => ({ key, lists: before.key === key ? renew(before.lists) : NOTHING, error: null }));
    return () => setSeen(0);
  }, [client, key]);
  useEffect(() => {
    if (round > 0) setState((before) => ({ ...before, lists: renew(before.lists), error: null }));
  }, [round]);

  const isOwn = state.key === key;
  const { list } = state.lists;
  const limit = isOwn && state.error === null ? wanted(list, seen) : 0;
  const asked = useRef(limit);
  asked.current = limit;
  const isLacking = limit > 0;
  const { cursor, started } = list;
  // biome-ignore lint/correctness/useExhaustiveDependencies: one page at a time: the next is asked for when this one is there.
  useEffect(() => {
    if (!isLacking) return;
    const ending = new AbortController();
    const page = { limit: asked.current, ...(cursor !== null && { cursor }) };
    latest.current.load(client, page, ending.signal).then(
      (found) => {
        if (ending.signal.aborted) return;
        setState((before) => ({ ...before, lists: grow(before.lists, found, latest.current.seen), error: null }));
      },
      (error: unknown) => {
        if (!ending.signal.aborted) setState((before) => ({ ...before, error }));
      },
    );
    return () => ending.abort();
  }, [client, key, round, cursor, started, isLacking]);

  // The server may come back at any moment.
  const comesBack = isOwn && mayPass(state.error);
  useEffect(() => {
    if (!comesBack) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setState((before) => ({ ...before, error: null }));
    }, AFTER_ERROR_MS);
    return () => clearInterval(timer);
  }, [comesBack]);

  const see = useCallback((at: number) => setSeen((before) => Math.max(before, at)), []);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const retry = useCallback(() => setState((before) => ({ ...before, error: null })), []);
  const lists: Renewed<Item> = isOwn ? state.lists : NOTHING;
  return { list: lists.shown, error: isOwn ? state.error : null, see, reload, retry };
}
