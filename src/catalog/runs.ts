/** The history of runs. */
import type { ActionRecord, CatalogPort } from '../sync/catalog-port.ts';
import type { Report, RunStatus } from '../sync/types.ts';
import type { Database } from './database.ts';
import type { Prisma } from './generated/client.ts';
import { storable, storableJson } from './text.ts';

/** A dry run's report keeps its plan in the history up to this many actions. */
const LONGEST_PLAN = 1_000;

const RECORD = `
INSERT INTO "RunAction" ("runId", "kind", "path", "key", "outcome", "bytes", "code", "message")
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])`;

/** CatalogPort.beginRun. */
export async function beginRun(database: Database, run: Parameters<CatalogPort['beginRun']>[0]): Promise<string> {
  const { id } = await database.ask(() =>
    database.prisma.run.create({
      data: {
        libraryId: run.library?.id ?? null,
        parentId: run.parentId ?? null,
        album: run.album,
        kind: run.kind,
        status: 'running',
        policy: json(run.policy),
      },
      select: { id: true },
    }),
  );
  return id;
}

/** CatalogPort.recordActions. */
export async function recordActions(
  database: Database,
  runId: string,
  records: readonly ActionRecord[],
): Promise<void> {
  if (records.length === 0) return;
  const values = [
    runId,
    records.map((record) => record.kind),
    records.map((record) => storable(record.path)),
    records.map((record) => storable(record.key)),
    records.map((record) => record.outcome),
    records.map((record) => record.bytes),
    records.map((record) => storable(record.code)),
    records.map((record) => storable(record.message)),
  ];
  await database.ask(() => database.pool.query({ name: 'rollcall-actions', text: RECORD, values }));
}

/** CatalogPort.finishRun. A run whose library was removed meanwhile has no entry any more. */
export async function finishRun(database: Database, runId: string, status: RunStatus, report: Report): Promise<void> {
  const { plan, ...rest } = report;
  const kept = plan !== undefined && plan.length <= LONGEST_PLAN ? report : rest;
  await database.ask(() =>
    database.prisma.run.updateMany({
      where: { id: runId },
      data: { status, report: json(kept), finishedAt: new Date() },
    }),
  );
}

function json(value: object): Prisma.InputJsonObject {
  return JSON.parse(storableJson(value)) as Prisma.InputJsonObject;
}
