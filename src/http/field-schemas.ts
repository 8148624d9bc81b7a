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

/** Of a page of a list. */
export const nextCursor = z.string().nullable().openapi({ description: 'For the next page; null on the last one.' });
