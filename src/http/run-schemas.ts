/** The history of runs as the API answers with it. */
import { z } from '@hono/zod-openapi';
import { count, nextCursor, OUTCOMES, RUN_STATUSES, time } from './field-schemas.ts';
import { Report } from './schemas.ts';

export const howMuch = z
  .object({ done: count, total: count.nullable() })
  .openapi({ description: '`total` is null until it is known.' });

export const told = {
  phase: z
    .enum(['scanning', 'working', 'done'])
    .openapi({ description: 'Comparing the three sides, carrying out what is to be done, or neither any more.' }),
  scanned: count.openapi({ description: 'Photos compared so far.' }),
  actions: howMuch,
  bytes: howMuch,
  lastPath: z.string().nullable(),
};

const Progress = z
  .object({ runId: z.string(), library: z.string(), ...told, at: time })
  .openapi('Progress', { description: 'How far the run was at `at`.' });

export const Run = z
  .object({
    id: z.uuid(),
    libraryId: z.uuid().nullable(),
    parentId: z.uuid().nullable().openapi({ description: 'The run that this one is a part of.' }),
    album: z.string().nullable(),
    kind: z.string(),
    status: z.enum(RUN_STATUSES).openapi({ description: '`queued`: nobody has begun it yet.' }),
    policy: z.unknown(),
    report: Report.nullable(),
    progress: Progress.nullable().openapi({ description: 'While it is running.' }),
    cancelAt: time.nullable().openapi({ description: 'When somebody asked for its end.' }),
    startedAt: time,
    finishedAt: time.nullable(),
  })
  .openapi('Run');

export const RunList = z.object({ runs: z.array(Run).readonly(), nextCursor }).openapi('RunList');

export const QueuedRun = z.object({ runId: z.uuid() }).openapi('QueuedRun');

const RunAction = z
  .object({
    id: z.string(),
    kind: z.string().openapi({ example: 'upload' }),
    path: z.string(),
    key: z.string(),
    outcome: z.enum(OUTCOMES),
    bytes: count,
    code: z.string().nullable(),
    message: z.string().nullable(),
    at: time,
  })
  .openapi('RunAction', { description: 'One action of a run, other than a skip.' });

export const RunActionList = z.object({ actions: z.array(RunAction).readonly(), nextCursor }).openapi('RunActionList');
