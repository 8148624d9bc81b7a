/** RunHistory: pages of runs and of what they did. */
import type { Page, PageRequest } from '../sync/browse.ts';
import type { RunActionView, RunFilter, RunHistory, RunView, ToldProgress } from '../sync/run-history.ts';
import type { Report } from '../sync/types.ts';
import { cancelRun } from './cancel-run.ts';
import { cursorParts, isBigint, isTime, isUuid, limitOf, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import type { Prisma, Run, RunAction } from './generated/client.ts';
import { followRun } from './run-follower.ts';

/** The runs of a catalog to look at. */
export function runHistory(database: Database): RunHistory {
  return {
    runs: async (filter, page) => {
      const limit = limitOf(page);
      const after = cursorParts(page, [isTime, isUuid]);
      const where = whereOf(filter);
      if (where === null) return { items: [], nextCursor: null };
      const query = {
        where: { AND: [where, after ? olderThan(after) : {}] },
        orderBy: [{ startedAt: 'desc' }, { id: 'desc' }] satisfies Prisma.RunOrderByWithRelationInput[],
        take: limit + 1,
      };
      const rows = await database.askPrisma((prisma) => prisma.run.findMany(query));
      return pageOf(rows, limit, runView, (row) => [row.startedAt.toISOString(), row.id]);
    },
    run: (id) => runOf(database, id),
    follow: (id) => followRun(database, id),
    actions: (runId, filter, page) => runActions(database, runId, filter, page),
    cancel: async (id) => {
      const found = isUuid(id) && (await cancelRun(database, id));
      return found ? runOf(database, id) : null;
    },
  };
}

async function runOf({ askPrisma }: Database, id: string): Promise<RunView | null> {
  const row = isUuid(id) ? await askPrisma((prisma) => prisma.run.findUnique({ where: { id } })) : null;
  return row && runView(row);
}

async function runActions(
  { askPrisma }: Database,
  runId: string,
  { outcome }: Parameters<RunHistory['actions']>[1],
  page: PageRequest,
): Promise<Page<RunActionView> | null> {
  const limit = limitOf(page);
  const after = cursorParts(page, [isBigint])?.[0];
  if (!isUuid(runId)) return null;
  const where = {
    runId,
    ...(outcome === undefined ? {} : { outcome }),
    ...(after === undefined ? {} : { id: { gt: BigInt(after) } }),
  };
  const query = { where, orderBy: { id: 'asc' }, take: limit + 1 } as const;
  const rows = await askPrisma((prisma) => prisma.runAction.findMany(query));
  if (rows.length === 0 && (await askPrisma((prisma) => prisma.run.count({ where: { id: runId } }))) === 0) return null;
  return pageOf(rows, limit, actionView, (row) => [String(row.id)]);
}

function actionView({ id, kind, path, key, outcome, bytes, code, message, at }: RunAction): RunActionView {
  // Written by recordActions and by nobody else.
  const ended = outcome as RunActionView['outcome'];
  return { id: String(id), kind, path, key, outcome: ended, bytes: Number(bytes), code, message, at: at.toISOString() };
}

/** Null: nothing can be of this filter. */
function whereOf({ libraryId, parentId, album, kind, status }: RunFilter): Prisma.RunWhereInput | null {
  if ([libraryId, parentId].some((id) => id != null && !isUuid(id))) return null;
  return {
    ...(libraryId === undefined ? {} : { libraryId }),
    ...partsFilter(libraryId, parentId),
    ...(album === undefined ? {} : { album }),
    ...(kind === undefined ? {} : { kind }),
    ...(status === undefined ? {} : { status }),
  };
}

/** Of a run over several libraries, its part is what there is to see of one of them. */
function partsFilter(libraryId: string | undefined, parentId: string | null | undefined): Prisma.RunWhereInput {
  if (parentId === undefined) return {};
  if (parentId !== null || libraryId === undefined) return { parentId };
  return { OR: [{ parentId }, { parent: { libraryId: null } }] };
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

/** As `pulse` writes it, and nobody else; `since` and the albums are for those who follow the run (run-state.ts). */
function toldProgress(progress: Run['progress']): ToldProgress | null {
  const told = progress as (ToldProgress & { since?: string }) | null;
  if (told === null) return null;
  const { since: _, albums: _albums, ...rest } = told;
  return rest;
}

function olderThan([startedAt = '', id = '']: readonly string[]): Prisma.RunWhereInput {
  return { OR: [{ startedAt: { lt: startedAt } }, { startedAt, id: { lt: id } }] };
}
