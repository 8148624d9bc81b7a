/**
 * What the runs that have ended did, added up. A history may hold a run for every minute of years: it is read whole
 * once, and from then on only what is new in it.
 */
import { type CatalogFigures, DURATION_BOUNDS, type EndedRuns, NOTHING_DONE } from '../sync/figures.ts';
import type { Database } from './database.ts';

type Done = CatalogFigures['done'];

/**
 * A run's start is noted by the clock of its own machine and may be seen a little later than that of another. What
 * started longer ago than this has been seen.
 */
const MARGIN_MS = 1_800_000;

const columns = (counts: object) =>
  Object.keys(counts)
    .map((name) => `"${name}" float8`)
    .join(', ');
const sums = (table: string, counts: object) =>
  `jsonb_build_object(${Object.keys(counts)
    .map((name) => `'${name}', coalesce(sum(${table}."${name}"), 0)`)
    .join(', ')})`;
const { actions: ACTIONS, bytes: BYTES, requests: REQUESTS } = NOTHING_DONE;

/**
 * The runs started after $1, and those of $2, but none of $3. What has parts is not looked into: its report adds up
 * theirs. Neither are dry runs.
 */
const READ = `
SELECT r."libraryId", r."kind", r."status"::text AS "status", r."finishedAt" IS NOT NULL AS "ended",
       CASE WHEN r."libraryId" IS NULL THEN 'libraries' WHEN r."album" IS NULL THEN 'library' ELSE 'album' END AS "scope",
       count(*)::int AS "count", coalesce(sum(s."seconds"), 0)::float8 AS "seconds",
       ARRAY[${DURATION_BOUNDS.map((bound) => `count(*) FILTER (WHERE s."seconds" <= ${bound})`).join(', ')}]::int[] AS "within",
       ${sums('a', ACTIONS)} AS "actions",
       ${sums('b', BYTES)} AS "bytes",
       ${sums('q', REQUESTS)} AS "requests",
       max(r."finishedAt") FILTER (WHERE r."status" = 'succeeded' AND r."album" IS NULL
         AND r."kind" IN ('sync', 'reconcile') AND r."policy" ->> 'dryRun' = 'false') AS "lastGoodAt",
       array_agg(r."id") FILTER (WHERE r."finishedAt" IS NULL OR r."startedAt" > now() - interval '${MARGIN_MS} ms') AS "ids",
       now() AS "at"
  FROM "Run" AS r
  LEFT JOIN LATERAL jsonb_to_record(r."report") AS t("durationMs" float8, "actions" jsonb, "bytes" jsonb, "requests" jsonb)
    ON r."status" <> 'planned' AND NOT EXISTS (SELECT FROM "Run" AS part WHERE part."parentId" = r."id")
  LEFT JOIN LATERAL jsonb_to_record(t."actions") AS a(${columns(ACTIONS)}) ON true
  LEFT JOIN LATERAL jsonb_to_record(t."bytes") AS b(${columns(BYTES)}) ON true
  LEFT JOIN LATERAL jsonb_to_record(t."requests") AS q(${columns(REQUESTS)}) ON true
  CROSS JOIN LATERAL (SELECT coalesce(t."durationMs" / 1000, extract(epoch FROM r."finishedAt" - r."startedAt")) AS "seconds") AS s
 WHERE (r."startedAt" > $1 OR r."id" = ANY($2::uuid[])) AND r."id" NOT IN (SELECT unnest($3::uuid[]))
 GROUP BY 1, 2, 3, 4, 5`;

interface ReadRow extends EndedRuns, Done {
  readonly libraryId: string | null;
  readonly ended: boolean;
  readonly lastGoodAt: Date | null;
  readonly ids: readonly string[] | null;
  readonly at: Date;
}

/** Adds up; what was added stays, whatever becomes of a run's entry: a counter never goes down. */
export class RunSums {
  readonly #ended = new Map<string, EndedRuns>();
  readonly #lastGoodMs = new Map<string, number>();
  #done: Done = NOTHING_DONE;
  #open = { queued: 0, running: 0 };
  #openIds: string[] = [];
  /** Runs that are counted but started late enough to be read again, and when they were counted. */
  readonly #counted = new Map<string, number>();
  #since: Date | '-infinity' = '-infinity';

  /** Reads what is new, or adds nothing when `signal` aborts first. Not to be called again before it has ended. */
  async read(database: Database, signal: AbortSignal): Promise<void> {
    const values = [this.#since, this.#openIds, [...this.#counted.keys()]];
    const { rows } = await database.ask(() => database.pool.query<ReadRow>(READ, values), signal);
    this.#open = { queued: 0, running: 0 };
    this.#openIds = [];
    for (const row of rows) {
      if (row.ended) this.#add(row);
      else this.#note(row);
    }
    const [first] = rows;
    if (first !== undefined) this.#advance(first.at.getTime());
  }

  figures(): Pick<CatalogFigures, 'ended' | 'open' | 'done'> {
    return { ended: [...this.#ended.values()], open: this.#open, done: this.#done };
  }

  /** When the last good run over all of this library ended, in milliseconds since 1970; null: none has yet. */
  lastGoodMs(libraryId: string): number | null {
    return this.#lastGoodMs.get(libraryId) ?? null;
  }

  #note({ status, count, ids }: ReadRow): void {
    this.#openIds.push(...(ids ?? []));
    if (status === 'queued') this.#open.queued += count;
    else this.#open.running += count;
  }

  #add(row: ReadRow): void {
    const { kind, scope, status, libraryId, lastGoodAt } = row;
    const name = [kind, scope, status].join('\0');
    const before = this.#ended.get(name);
    this.#ended.set(name, {
      kind,
      scope,
      status,
      count: row.count + (before?.count ?? 0),
      seconds: row.seconds + (before?.seconds ?? 0),
      within: row.within.map((count, at) => count + (before?.within[at] ?? 0)),
    });
    this.#done = {
      actions: sumOf(this.#done.actions, row.actions),
      bytes: sumOf(this.#done.bytes, row.bytes),
      requests: sumOf(this.#done.requests, row.requests),
    };
    if (libraryId !== null && lastGoodAt !== null) {
      const last = Math.max(lastGoodAt.getTime(), this.#lastGoodMs.get(libraryId) ?? 0);
      this.#lastGoodMs.set(libraryId, last);
    }
    for (const id of row.ids ?? []) this.#counted.set(id, row.at.getTime());
  }

  #advance(nowMs: number): void {
    const since = nowMs - MARGIN_MS;
    this.#since = new Date(since);
    for (const [id, countedMs] of this.#counted) if (countedMs < since - MARGIN_MS) this.#counted.delete(id);
  }
}

function sumOf<Counts extends Readonly<Record<keyof Counts, number>>>(some: Counts, more: Counts): Counts {
  const names = Object.keys(some) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, some[name] + more[name]])) as Counts;
}
