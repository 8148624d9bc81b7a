/** The client of the page's own server, and the token that it sends. */
import { createSyncStore, type Store } from '../ui/store.ts';
import { type Client, createClient, ProblemError } from '../../client/client.ts';

const KEY = 'rollcall-token';

export interface Session {
  readonly client: Client;
  /** `asked`: the server wants a token and has none, or a wrong one (`refused`). */
  readonly door: 'open' | 'asked' | 'refused';
}

export const session: Store<Session> = createSyncStore<Session>({ client: clientWith(storedToken()), door: 'open' });

function clientWith(token: string | null): Client {
  return createClient('', {
    ...(token !== null && { token }),
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (response.status === 401) lock(token !== null);
      return response;
    },
  });
}

function lock(refused: boolean): void {
  const { client, door } = session.get();
  if (door === 'open') session.set({ client, door: refused ? 'refused' : 'asked' });
}

/** Tries a token, and keeps it if it is the right one: for this tab, or on this device. Throws what kept it from being tried. */
export async function enter(token: string, remember: boolean): Promise<boolean> {
  const client = createClient('', { token });
  try {
    await client.api.libraries.$get({ query: { limit: 1 } });
  } catch (thrown) {
    if (thrown instanceof ProblemError && thrown.status === 401) return false;
    // Right, if the database is down behind it.
    if (!(thrown instanceof ProblemError) || thrown.status !== 503) throw thrown;
  }
  store(remember ? 'localStorage' : 'sessionStorage', token);
  session.set({ client: clientWith(token), door: 'open' });
  return true;
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
