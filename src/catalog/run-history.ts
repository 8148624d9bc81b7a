/** RunHistory: pages of runs and of what they did. */
import type { RunFilter, RunHistory, RunView, ToldProgress } from '../sync/run-history.ts';
import type { Report } from '../sync/types.ts';
import { cursorParts, isTime, isUuid, limitOf, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import type { Prisma, Run } from './generated/client.ts';

/** The runs of a catalog to look at. */
export function runHistory(database: Database): RunHistory {
  const { prisma } = database;
  return {
    runs: async (filter, page) => {
      const limit = limitOf(page);
      const after = cursorParts(page, [isTime, isUuid]);
      const where = whereOf(filter);
      if (where === null) return { items: [], nextCursor: null };
      const query = {
        where: { ...where, ...(after ? olderThan(after) : {}) },
        orderBy: [{ startedAt: 'desc' }, { id: 'desc' }] satisfies Prisma.RunOrderByWithRelationInput[],
        take: limit + 1,
      };
      const rows = await database.ask(() => prisma.run.findMany(query));
      return pageOf(rows, limit, runView, (row) => [row.startedAt.toISOString(), row.id]);
    },
    run: async (id) => {
      const row = isUuid(id) ? await database.ask(() => prisma.run.findUnique({ where: { id } })) : null;
      return row && runView(row);
    },
  };
}

/** Null: nothing can be of this filter. */
function whereOf({ libraryId, parentId, album, kind, status }: RunFilter): Prisma.RunWhereInput | null {
  if ([libraryId, parentId].some((id) => id !== undefined && !isUuid(id))) return null;
  return {
    ...(libraryId === undefined ? {} : { libraryId }),
    ...(parentId === undefined ? {} : { parentId }),
    ...(album === undefined ? {} : { album }),
    ...(kind === undefined ? {} : { kind }),
    ...(status === undefined ? {} : { status }),
  };
}

export function runView(row: Run): RunView {
  return {
    id: row.id,
    libraryId: row.libraryId,
    parentId: row.parentId,
    album: row.album,
    kind: row.kind,
    status: row.status,
    policy: row.policy,
    // Written by finishRun and by nobody else.
    report: row.report as Report | null,
    progress: toldProgress(row.progress),
    cancelAt: row.cancelAt?.toISOString() ?? null,
    startedAt: row.startedAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

/** As `pulse` writes it, and nobody else; `since` is for those who wait for changes (run-state.ts). */
function toldProgress(progress: Run['progress']): ToldProgress | null {
  const told = progress as (ToldProgress & { since?: string }) | null;
  if (told === null) return null;
  const { since: _, ...rest } = told;
  return rest;
}

function olderThan([startedAt = '', id = '']: readonly string[]): Prisma.RunWhereInput {
  return { OR: [{ startedAt: { lt: startedAt } }, { startedAt, id: { lt: id } }] };
}
