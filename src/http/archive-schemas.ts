/** What /api/archive accepts and answers with (DESIGN 8). */
import { z } from '@hono/zod-openapi';
import { RESTORE_DAYS, RESTORE_TIERS, USUAL_RESTORE } from '../sync/restore-request.ts';
import { nextCursor, time } from './field-schemas.ts';
import { library, oneOf, only, paging } from './requests.ts';

const { least, most } = RESTORE_DAYS;
const DAYS = `must be a whole number from ${least} to ${most}`;

export const ArchiveQuery = only('this list', {
  library,
  look: oneOf(['true', 'false'])
    .optional()
    .openapi({ description: '`true`: ask the bucket first how far each object is, a HEAD for each of them.' }),
  ...paging,
});

export const RestoreBody = only('a restore', {
  library: library.openapi({ description: 'Id or name. Left out: every library.' }),
  days: z.number(DAYS).int(DAYS).min(least, DAYS).max(most, DAYS).default(USUAL_RESTORE.days).openapi({
    description: 'For so many days each restored copy can be read; its storage is paid for as long.',
  }),
  tier: oneOf(RESTORE_TIERS).default(USUAL_RESTORE.tier).openapi({
    description:
      'How fast: Bulk, the cheapest (hours to days), Standard (hours), Expedited (minutes; not for DEEP_ARCHIVE).',
  }),
}).openapi('RestoreRequest');

const Archived = z
  .object({
    id: z.uuid(),
    libraryId: z.uuid(),
    bucket: z.string(),
    key: z.string(),
    photoId: z.uuid().nullable().openapi({ description: 'Null: an object that the catalog has no photo of.' }),
    storageClass: z.string(),
    what: z.enum(['move', 'download']).openapi({ description: 'What waits for it.' }),
    status: z.enum(['waiting', 'in progress', 'restored', 'failed']).openapi({
      description:
        '`waiting`: to be asked for. `restored`: it can be read, and the next sync does what waits. `failed`: asking was ' +
        'refused, or the object is gone; `lastError` says why.',
    }),
    requestedAt: time.nullable(),
    restoredUntil: time.nullable().openapi({ description: 'When `waiting`: it was restored once, until then.' }),
    lastError: z.string().nullable(),
    createdAt: time,
  })
  .openapi('ArchivedObject');

const archived = z.array(Archived).readonly();
export const ArchiveList = z.object({ archived, nextCursor }).openapi('ArchiveList');
export const Restored = z.object({ archived }).openapi('Restored');
