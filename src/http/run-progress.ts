/** How far a run is, as listeners are told: counts, rates and the time to go. */
import { z } from '@hono/zod-openapi';
import { type Pace, paceMeter } from '../sync/pace.ts';
import type { RunPart, RunState } from '../sync/run-state.ts';
import { count, RUN_STATUSES } from './field-schemas.ts';
import { howMuch, told } from './run-schemas.ts';

/** A run of more parts is told by their number and by those that matter most. */
const TOLD_PARTS = 500;

const PART_STATUSES = [...RUN_STATUSES, 'cancelled'] as const;

const Part = z
  .object({
    runId: z.uuid().nullable().openapi({ description: 'Its latest run; null: there was none yet.' }),
    library: z.string().nullable(),
    album: z.string().nullable().openapi({ description: 'Null: the library as a whole.' }),
    status: z.enum(PART_STATUSES),
    scanned: count,
    actions: howMuch,
    bytes: howMuch,
  })
  .openapi('RunPart');

const rate = z.number().nullable();

export const RunProgress = z
  .object({
    runId: z.uuid(),
    library: z.string().openapi({ description: 'Of a run over several: the one that goes.' }),
    status: z.enum(['queued', 'running']),
    cancelled: z.boolean().openapi({ description: 'Its end was asked for: what is in flight drains.' }),
    ...told,
    phase: z.enum([...told.phase.options, 'queued']),
    keysPerSecond: rate.openapi({
      description: 'Photos compared. This and the other rates: over the last 10 seconds.',
    }),
    filesPerSecond: rate.openapi({ description: 'Actions done.' }),
    bytesPerSecond: rate,
    etaSeconds: rate.openapi({ description: 'To go at this rate, as far as is known what there is to do.' }),
    partCounts: z.record(z.enum(PART_STATUSES), count).openapi({
      description:
        'For a run that is made of others, or has several albums to work in: how many there are of each status.',
    }),
    parts: z
      .array(Part)
      .readonly()
      .openapi({ description: `An album or a library each; of more than ${TOLD_PARTS} those that matter most.` }),
  })
  .openapi('RunProgress', { description: 'What a `progress` event of a run holds.' });

export type RunProgressEvent = z.infer<typeof RunProgress>;

/** Follows one run: what to tell of each state of it. Rates are measured between the times at which it was heard of. */
export function runProgress(): (state: RunState) => RunProgressEvent {
  let heardMs = Number.NEGATIVE_INFINITY;
  const ofActions = paceMeter(() => heardMs);
  const ofParts = paceMeter(() => heardMs);
  let pace: Pace | null = null;
  return (state) => {
    if (pace === null || state.heardMs > heardMs) {
      heardMs = state.heardMs;
      const { etaSeconds, ...rates } = ofActions(state);
      const { etaSeconds: byParts } = ofParts({ ...state, actions: partsDone(state) });
      pace = { ...rates, etaSeconds: etaSeconds ?? (state.actions.total === null ? byParts : null) };
    }
    return eventOf(state, pace);
  };
}

function eventOf(state: RunState, pace: Pace): RunProgressEvent {
  const { heardMs: _heard, changedMs: _changed, status, parts, ...counts } = state;
  const { keysPerSecond, filesPerSecond, bytesPerSecond, etaSeconds } = pace;
  return {
    ...counts,
    status: status === 'queued' ? 'queued' : 'running',
    keysPerSecond: tenths(keysPerSecond),
    filesPerSecond: tenths(filesPerSecond),
    bytesPerSecond: bytesPerSecond && Math.round(bytesPerSecond),
    etaSeconds: etaSeconds && Math.ceil(etaSeconds),
    partCounts: countsOf(parts),
    parts: toldOf(parts),
  };
}

function tenths(perSecond: number | null): number | null {
  return perSecond && Math.round(perSecond * 10) / 10;
}

/** Albums stand in for files where nobody knows yet how many of those there are to send. */
function partsDone({ parts }: RunState): RunState['actions'] {
  const open = parts.filter(({ status }) => status === 'queued' || status === 'running').length;
  return { done: parts.length - open, total: parts.length === 0 ? null : parts.length };
}

function countsOf(parts: readonly RunPart[]): RunProgressEvent['partCounts'] {
  const counts = Object.fromEntries(PART_STATUSES.map((status) => [status, 0])) as RunProgressEvent['partCounts'];
  for (const { status } of parts) counts[status] += 1;
  return counts;
}

/** What goes, then what went wrong, then what waits. */
const FIRST: readonly RunPart['status'][] = ['running', 'failed', 'refused', 'partial', 'cancelled', 'queued'];

function toldOf(parts: readonly RunPart[]): readonly RunPart[] {
  if (parts.length <= TOLD_PARTS) return parts;
  const rank = ({ status }: RunPart) => (FIRST.includes(status) ? FIRST.indexOf(status) : FIRST.length);
  return parts.toSorted((a, b) => rank(a) - rank(b)).slice(0, TOLD_PARTS);
}
