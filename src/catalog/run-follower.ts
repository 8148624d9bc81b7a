/** RunFollower: reads a run and its parts again and again, and of what has ended only once. */
import type { RunFollower } from '../sync/run-history.ts';
import { isOver, type RunNode, stateOf, type TaskNode } from '../sync/run-state.ts';
import { isUuid } from './cursor.ts';
import type { Database } from './database.ts';

/** A run is a part of a part at most. */
const DEEPEST = 2;

const ms = (time: string) => `floor(extract(epoch FROM ${time}) * 1000)::bigint`;
const told = (field: string) => `(r."progress"->>'${field}')::timestamptz`;

/**
 * The run $1 and its parts, and their tasks, without those of $2 that have ended. Times are told in milliseconds; those
 * of a pulse are the database's own.
 */
const READ = `
WITH RECURSIVE tree AS (
  SELECT "id", 0 AS depth FROM "Run" WHERE "id" = $1
   UNION ALL
  SELECT r."id", depth + 1 FROM "Run" AS r JOIN tree ON r."parentId" = tree."id" WHERE depth < ${DEEPEST}
), ended AS (SELECT unnest($2::uuid[]) AS id)
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
 WHERE NOT EXISTS (SELECT FROM ended WHERE ended.id = r."id")
 UNION ALL
SELECT 'task', jsonb_build_object(
         'id', t."id", 'runId', t."runId", 'album', nullif(t."album", ''), 'status', t."status",
         'changedMs', ${ms('t."updatedAt"')})
  FROM tree JOIN "AlbumTask" AS t ON t."runId" = tree."id"
 WHERE NOT EXISTS (SELECT FROM ended WHERE ended.id = t."id")`;

type Row = { readonly what: 'run'; readonly node: RunNode } | { readonly what: 'task'; readonly node: TaskNode };

/** RunHistory.follow. */
export function followRun(database: Database, id: string): RunFollower {
  const nodes = new Map<string, RunNode>();
  const tasks = new Map<string, TaskNode>();
  const ended = new Set<string>();
  return {
    read: async (signal) => {
      if (!isUuid(id)) return null;
      const query = { name: 'rollcall-follow', text: READ, values: [id, [...ended]] };
      const { rows } = await database.ask(() => database.pool.query<Row>(query), signal);
      // The run itself is read each time: with its library it may be gone.
      if (!rows.some(({ node }) => node.id === id)) return null;
      for (const { what, node } of rows) {
        if (what === 'run') nodes.set(node.id, node);
        else tasks.set(node.id, node);
        const over = what === 'run' ? isOver(node.status) : node.status !== 'queued' && node.status !== 'running';
        if (over && node.id !== id) ended.add(node.id);
      }
      return stateOf(id, [...nodes.values()], [...tasks.values()]);
    },
  };
}
