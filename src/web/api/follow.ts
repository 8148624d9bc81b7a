/** A run, followed while it goes: its progress by server-sent events, its report at the end. */
import { useEffect, useState } from 'react';
import { useStore } from '../ui/store.ts';
import { session } from './session.ts';
import type { Report, RunProgress } from './types.ts';

export interface Followed {
  readonly progress: RunProgress | null;
  readonly report: Report | null;
  readonly error: unknown;
}

const NOTHING: Followed = { progress: null, report: null, error: null };

/** Follows the run while `going`; the client makes connections that break again. */
export function useRunEvents(id: string, going: boolean): Followed {
  const { client } = useStore(session);
  const [told, setTold] = useState<Followed>(NOTHING);
  useEffect(() => {
    if (!going) return;
    const ending = new AbortController();
    const follow = async () => {
      try {
        for await (const { event, data } of client.events(id, { signal: ending.signal })) {
          if (event === 'progress') setTold({ progress: data, report: null, error: null });
          else setTold((before) => ({ ...before, report: data }));
        }
      } catch (error) {
        if (!ending.signal.aborted) setTold((before) => ({ ...before, error }));
      }
    };
    void follow();
    return () => ending.abort();
  }, [client, id, going]);
  return told;
}
