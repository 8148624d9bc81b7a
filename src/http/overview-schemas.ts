/** What /api/overview answers with, as a zod schema. */
import { z } from '@hono/zod-openapi';
import { count, time } from './field-schemas.ts';
import { Album } from './schemas.ts';

export const Overview = z
  .object({
    libraries: z
      .array(
        z.object({
          id: z.uuid(),
          name: z.string(),
          albums: count,
          photos: count,
          bytes: count,
          states: Album.shape.states,
        }),
      )
      .readonly()
      .openapi({ description: 'What each library holds, by name.' }),
    next: z
      .object({
        reconcileAt: time.nullable().openapi({ description: 'Null: it is not on the schedule of this server.' }),
        twoWaySeconds: count.openapi({
          description: 'Between two-way syncs of the libraries that ask for them; 0: off.',
        }),
      })
      .openapi({ description: 'What the schedule is going to do.' }),
  })
  .openapi('Overview');
