/** What /api/photos/{id}/sides answers with, as a zod schema. */
import { z } from '@hono/zod-openapi';
import { count, time } from './field-schemas.ts';

const gone = z.object({ state: z.literal('gone') });
const unreadable = z.object({ state: z.literal('unreadable'), code: z.string(), message: z.string() });

export const PhotoSides = z
  .object({
    disk: z.discriminatedUnion('state', [
      z.object({ state: z.literal('there'), size: count, modifiedAt: time }),
      gone,
      unreadable,
    ]),
    bucket: z.discriminatedUnion('state', [
      z.object({
        state: z.literal('there'),
        size: count,
        etag: z.string(),
        storageClass: z.string(),
        modifiedAt: time,
      }),
      gone,
      unreadable,
    ]),
  })
  .openapi('PhotoSides');
