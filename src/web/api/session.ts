/** The client of the page's own server, and the token that it sends. */

import { type Client, createClient, ProblemError } from '../../client/client.ts';
import { createSyncStore, type Store } from '../ui/store.ts';

const KEY = 'rollcall-token';

export interface Session {
  readonly client: Client;
  /** `asked`: the server wants a token and has none, or a wrong one (`refused`). */
  readonly door: 'open' | 'asked' | 'refused';
  /** It sends a token, which a plain link does not. */
  readonly guarded: boolean;
}

export const session: Store<Session> = createSyncStore<Session>(sessionWith(storedToken()));

function sessionWith(token: string | null): Session {
  return { client: clientWith(token), door: 'open', guarded: token !== null };
}

function clientWith(token: string | null): Client {
  return createClient('', {
    ...(token !== null && { token }),
    fetch: async (input, init) => {
      const response = await fetch(input, init).catch(offline);
      if (response.status === 401) lock(token !== null);
      return response;
    },
  });
}

/** What `fetch` throws where no server answers looks like any fault of the page's own. An end that was asked for is none. */
function offline(thrown: unknown): never {
  if (thrown instanceof TypeError) throw Object.assign(thrown, { code: 'OFFLINE' });
  throw thrown;
}

function lock(refused: boolean): void {
  const before = session.get();
  if (before.door === 'open') session.set({ ...before, door: refused ? 'refused' : 'asked' });
}

/** Tries a token, and keeps it if it is the right one: for this tab, or on this device. Throws what kept it from being tried. */
export async function enter(token: string, remember: boolean): Promise<boolean> {
  const client = createClient('', { token, fetch: (input, init) => fetch(input, init).catch(offline) });
  try {
    await client.api.libraries.$get({ query: { limit: 1 } });
  } catch (thrown) {
    if (thrown instanceof ProblemError && thrown.status === 401) return false;
    // Right, if the database is down behind it.
    if (!(thrown instanceof ProblemError) || thrown.status !== 503) throw thrown;
  }
  store(remember ? 'localStorage' : 'sessionStorage', token);
  session.set(sessionWith(token));
  return true;
}

/** Forgets the token, here and on the device, and asks for another one. */
export function leave(): void {
  try {
    localStorage.removeItem(KEY);
    sessionStorage.removeItem(KEY);
  } catch {
    // Then it was never kept.
  }
  session.set({ ...sessionWith(null), door: 'asked' });
}

/** Storage may be forbidden: then the token is asked for again after each reload. */
function storedToken(): string | null {
  try {
    return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function store(where: 'localStorage' | 'sessionStorage', token: string): void {
  try {
    localStorage.removeItem(KEY);
    sessionStorage.removeItem(KEY);
    window[where].setItem(KEY, token);
  } catch {
    // It stays in memory.
  }
}
