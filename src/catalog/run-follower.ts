/** RunFollower: reads a run and its parts again and again, and of what has ended only once. */
import type { RunFollower } from '../sync/run-history.ts';
import { isOver, type RunNode, stateOf, type TaskNode } from '../sync/run-state.ts';
import { isUuid } from './cursor.ts';
import type { Database } from './database.ts';

/** A run is a part of a part at most. */
const DEEPEST = 2;

const ms = (time: string) => `floor(extract(epoch FROM ${time}) * 1000)::bigint`;
const told = (field: string) => `(r."progress"->>'${field}')::timestamptz`;

/** A task's change is noted when its transaction begins, and seen when that ends. */
const LONGEST_TRANSACTION_MS = 60_000;

/**
 * The run $1 and its parts without those of $2, which have ended, and their tasks that have changed since $3. Times are
 * told in milliseconds; those of pulses and tasks are the database's own.
 */
const READ = `
WITH RECURSIVE ended AS (SELECT unnest($2::uuid[]) AS id), tree AS (
  SELECT "id", 0 AS depth FROM "Run" WHERE "id" = $1
   UNION ALL
  SELECT r."id", depth + 1 FROM "Run" AS r JOIN tree ON r."parentId" = tree."id"
   WHERE depth < ${DEEPEST} AND NOT EXISTS (SELECT FROM ended WHERE ended.id = r."id")
)
SELECT 'run' AS what, jsonb_build_object(
         'id', r."id", 'parentId', r."parentId", 'library', l."name", 'album', r."album",
         'status', r."status", 'progress', r."progress" - '{at,since}'::text[],
         'counts', CASE WHEN r."finishedAt" IS NOT NULL AND r."report" IS NOT NULL THEN jsonb_build_object(
           'actions', r."report"->'actions', 'bytes', r."report"->'bytes', 'photos', r."report"->'photos') END,
         'cancelled', r."cancelAt" IS NOT NULL,
         'startedMs', ${ms('r."startedAt"')},
         'heardMs', ${ms(`greatest(r."startedAt", r."finishedAt", ${told('at')})`)},
         'changedMs', ${ms(`greatest(r."startedAt", r."finishedAt", r."cancelAt", ${told('since')})`)}
       ) AS node
  FROM tree JOIN "Run" AS r USING ("id") LEFT JOIN "Library" AS l ON l."id" = r."libraryId"
 UNION ALL
SELECT 'task', jsonb_build_object(
         'id', t."id", 'runId', t."runId", 'album', nullif(t."album", ''), 'status', t."status",
         'changedMs', ${ms('t."updatedAt"')})
  FROM tree JOIN "AlbumTask" AS t ON t."runId" = tree."id" WHERE t."updatedAt" > to_timestamp($3::float8 / 1000)`;

type Row = { readonly what: 'run'; readonly node: RunNode } | { readonly what: 'task'; readonly node: TaskNode };

/** RunHistory.follow. */
export function followRun(database: Database, id: string): RunFollower {
  const nodes = new Map<string, RunNode>();
  const tasks = new Map<string, TaskNode>();
  const ended = new Set<string>();
  let sinceMs = 0;
  return {
    read: async (signal) => {
      if (!isUuid(id)) return null;
      const query = { name: 'rollcall-follow', text: READ, values: [id, [...ended], sinceMs] };
      const { rows } = await database.ask(() => database.pool.query<Row>(query), signal);
      // The run itself is read each time: with its library it may be gone.
      if (!rows.some(({ node }) => node.id === id)) return null;
      for (const { what, node } of rows) {
        if (what === 'task') {
          tasks.set(node.id, node);
          sinceMs = Math.max(sinceMs, node.changedMs - LONGEST_TRANSACTION_MS);
          continue;
        }
        nodes.set(node.id, node);
        // What is a part of it has ended with it.
        if (node.id !== id && isOver(node.status)) ended.add(node.id);
      }
      return stateOf(id, [...nodes.values()], [...tasks.values()]);
    },
  };
}
