/** The parts that everything leans on, what is down first. */
import { type Query, useQuery } from '../api/query.ts';
import type { Health } from '../api/types.ts';
import { formatCounted } from '../logic/format.ts';
import { Answered, Badge } from '../ui/parts.tsx';

/** Each time the bucket is asked too, which costs a request. */
const EVERY_MS = 60_000;

interface Part {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly notes: readonly string[];
}

export function useHealth(): Query<Health> {
  return useQuery(
    'health',
    async (client, signal) => (await client.api.health.$get({}, { init: { signal } })).json(),
    EVERY_MS,
  );
}

/** What is down, a sentence each; nothing while all is well. */
export function Alarms({ health }: { health: Query<Health> }) {
  const down = health.data === undefined ? [] : partsOf(health.data).filter(({ ok }) => !ok);
  return down.map(({ name, detail }) => (
    <p key={name} className="verdict tone-bad" role="alert">
      {name}: {detail || 'cannot be used'}
    </p>
  ));
}

export function HealthPanel({ health }: { health: Query<Health> }) {
  return (
    <section aria-labelledby="health-title">
      <h2 id="health-title">Health</h2>
      <Answered query={health}>
        {(data) => (
          <ul className="parts">
            {partsOf(data).map(({ name, ok, detail, notes }) => (
              <li key={name}>
                <Badge tone={ok ? 'good' : 'bad'}>{ok ? 'OK' : 'Down'}</Badge>
                <div>
                  <strong>{name}</strong> <span className={ok ? 'quiet' : 'wrong'}>{detail}</span>
                  {notes.length > 0 && (
                    <details>
                      <summary>{formatCounted(notes.length, 'note')}</summary>
                      <ul>
                        {notes.map((note) => (
                          <li key={note}>{note}</li>
                        ))}
                      </ul>
                    </details>
                  )}
                </div>
              </li>
            ))}
          </ul>
        )}
      </Answered>
    </section>
  );
}

function partsOf({ parts: { database, bucket, roots, twoWay, queue } }: Health): Part[] {
  const all: Part[] = [
    { name: 'Database', ok: database.ok, detail: database.error ?? `PostgreSQL ${database.version ?? ''}`, notes: [] },
    {
      name: 'Bucket',
      ok: bucket.ok,
      detail: bucket.error ?? [bucket.bucket, bucket.endpoint && `at ${bucket.endpoint}`].filter(Boolean).join(' '),
      notes: bucket.lacks ?? [],
    },
    ...roots.map(({ ok, error, library, root }) => ({
      name: `Root of ${library ?? 'a library'}`,
      ok,
      detail: error ?? root ?? '',
      notes: [],
    })),
    ...twoWay
      .filter(({ ok }) => !ok)
      .map(({ error, library }) => ({
        name: `Two-way sync of ${library ?? ''}`,
        ok: false,
        detail: error ?? '',
        notes: [],
      })),
    ...(queue === null ? [] : [queuePart(queue)]),
  ];
  return all.sort((a, b) => Number(a.ok) - Number(b.ok));
}

function queuePart(queue: NonNullable<Health['parts']['queue']>): Part {
  const waiting = (queue.queues ?? []).reduce((sum, { waiting, active }) => sum + waiting + active, 0);
  const detail = queue.error ?? (waiting === 0 ? 'nothing to do' : `${formatCounted(waiting, 'job')} to do`);
  return { name: 'Queue', ok: queue.ok, detail, notes: [] };
}
