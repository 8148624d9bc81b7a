/** A run as it is by now: from the history, and while it goes, as it tells of itself. */
import { useEffect } from 'react';
import { isOver } from '../logic/run-words.ts';
import { type Followed, useRunEvents } from './follow.ts';
import { forgetAnswers, type Query, useQuery } from './query.ts';
import type { Report, Run } from './types.ts';

export interface LiveRun {
  readonly query: Query<Run>;
  readonly live: Followed;
  /** Null: it is not over, or left none. */
  readonly report: Report | null;
  /** Undefined: not known yet. */
  readonly status: Run['status'] | undefined;
}

export function useRun(id: string): LiveRun {
  const query = useQuery(`run ${id}`, async (client, signal) =>
    (await client.api.runs[':id'].$get({ param: { id } }, { init: { signal } })).json(),
  );
  const { data: run, reload } = query;
  const going = run !== undefined && !isOver(run.status);
  const live = useRunEvents(id, going);
  const ended = live.report !== null;
  useEffect(() => {
    if (!ended) return;
    forgetAnswers();
    reload();
  }, [ended, reload]);
  const report = live.report ?? run?.report ?? null;
  return { query, live, report, status: going && live.report ? live.report.status : run?.status };
}
