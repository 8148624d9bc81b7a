/** Lists that several views need. */
import { useMemo } from 'react';
import type { Client } from '../../client/client.ts';
import { useQuery } from './query.ts';
import type { Album, Library } from './types.ts';

const PAGE = 1000;

export function useLibraries() {
  return useQuery('libraries', (client, signal) => allLibraries(client, signal));
}

/** Names by id, as far as they are known by now. */
export function useLibraryNames(): ReadonlyMap<string, string> {
  const { data } = useLibraries();
  return useMemo(() => new Map((data ?? []).map(({ id, name }) => [id, name])), [data]);
}

async function allLibraries(client: Client, signal: AbortSignal): Promise<readonly Library[]> {
  const all: Library[] = [];
  for (let cursor: string | undefined; ; ) {
    const query = { limit: PAGE, ...(cursor !== undefined && { cursor }) };
    const { libraries, nextCursor } = await (await client.api.libraries.$get({ query }, { init: { signal } })).json();
    all.push(...libraries);
    if (nextCursor === null) return all;
    cursor = nextCursor;
  }
}

/** All albums; `told` hears of those that are there so far. */
export async function allAlbums(
  client: Client,
  signal: AbortSignal,
  told: (albums: readonly Album[]) => void,
): Promise<readonly Album[]> {
  const all: Album[] = [];
  for (let cursor: string | undefined; ; ) {
    const query = { limit: PAGE, ...(cursor !== undefined && { cursor }) };
    const { albums, nextCursor } = await (await client.api.albums.$get({ query }, { init: { signal } })).json();
    all.push(...albums);
    if (nextCursor === null) return all;
    told([...all]);
    cursor = nextCursor;
  }
}
