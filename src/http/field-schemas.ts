/** Fields that answers are made of. */
import { z } from '@hono/zod-openapi';

export const count = z.int().min(0);
export const time = z.iso.datetime();
/** A bigint of the engine; see answer.ts. */
export const digits = z.string().regex(/^-?\d+$/);

export const PHOTO_STATES = [
  'pending',
  'synced',
  'missing',
  'orphaned',
  'lost',
  'archived',
  'conflict',
  'failed',
] as const;
export const PhotoState = z.enum(PHOTO_STATES).openapi('PhotoState');

/** How a run may end. */
export const END_STATUSES = ['succeeded', 'partial', 'failed', 'refused', 'planned'] as const;
export const RUN_STATUSES = [...END_STATUSES, 'queued', 'running'] as const;

/** How an action may end. */
export const OUTCOMES = ['done', 'conflict', 'failed', 'unstable'] as const;

/** Of a page of a list. */
export const nextCursor = z.string().nullable().openapi({ description: 'For the next page; null on the last one.' });
