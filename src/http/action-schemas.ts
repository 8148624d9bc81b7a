/** The steps of a plan as the API answers with them (sync/actions.ts). */
import { z } from '@hono/zod-openapi';
import { count, digits, PhotoState } from './field-schemas.ts';

const FileFacts = z
  .object({ size: count, mtimeNs: digits, device: digits, inode: digits, birthNs: digits.optional() })
  .openapi('FileFacts', {
    description:
      'What identifies a version of a file; `mtimeNs` and `birthNs` (where the filesystem knows when the file was made) ' +
      'are nanoseconds since 1970.',
  });

const objectFacts = { size: count, etag: z.string() };
const ObjectFacts = z.object(objectFacts).openapi('ObjectFacts');
const StoredFacts = z.object({ ...objectFacts, storageClass: z.string() }).openapi('StoredFacts');
const Place = z.object({ key: z.string(), path: z.string() }).openapi('Place');

const RowFacts = z
  .object({
    id: z.uuid(),
    size: count,
    mtimeNs: digits,
    md5: z.string().nullable(),
    etag: z.string().nullable(),
    partSize: count.nullable(),
    state: PhotoState,
  })
  .openapi('RowFacts');

const step = { key: z.string(), path: z.string(), reason: z.string() };
export const Action = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('upload'), ...step, local: FileFacts, row: RowFacts.optional() }),
    z.object({
      kind: z.literal('reupload'),
      ...step,
      local: FileFacts,
      row: RowFacts.optional(),
      object: ObjectFacts.optional(),
      unlessOther: z.enum(['conflict', 'download']).optional(),
      damaged: z.literal(true).optional(),
    }),
    z.object({
      kind: z.literal('adopt'),
      ...step,
      local: FileFacts,
      row: RowFacts.optional(),
      object: ObjectFacts,
      otherwise: z.enum(['conflict', 'replace', 'download']),
    }),
    z.object({
      kind: z.literal('download'),
      ...step,
      object: ObjectFacts,
      local: FileFacts.optional(),
      row: RowFacts.optional(),
    }),
    z.object({
      kind: z.literal('update'),
      ...step,
      row: RowFacts,
      change: z.object({
        state: PhotoState.optional(),
        local: FileFacts.optional(),
        path: z.string().optional(),
        object: ObjectFacts.optional(),
      }),
    }),
    z.object({ kind: z.literal('mark'), ...step, row: RowFacts, state: z.enum(['orphaned', 'lost']) }),
    z.object({
      kind: z.literal('delete'),
      ...step,
      local: FileFacts.optional(),
      row: RowFacts,
      object: ObjectFacts.optional(),
    }),
    z.object({
      kind: z.literal('move'),
      ...step,
      from: Place.openapi({ description: 'The former name.' }),
      row: RowFacts,
      local: FileFacts,
      object: StoredFacts,
      replacedBy: FileFacts.optional().openapi({ description: 'The file that has taken the former name.' }),
      target: ObjectFacts.optional(),
      edited: z
        .literal(true)
        .optional()
        .openapi({ description: 'Changed too: uploaded under the new name, not copied.' }),
      via: z.string().optional().openapi({ description: 'Renames in a circle: the key it steps aside to first.' }),
    }),
    z.object({
      kind: z.literal('leftover'),
      ...step,
      object: ObjectFacts,
      photo: z.object({ id: z.uuid(), key: z.string(), etag: z.string() }),
    }),
    z.object({
      kind: z.literal('copy'),
      ...step,
      local: FileFacts,
      md5: z.string(),
      row: RowFacts.optional(),
      object: ObjectFacts.optional(),
      from: z.object({ id: z.uuid(), key: z.string(), ...objectFacts, partSize: count.nullable() }),
    }),
    z.object({
      kind: z.literal('wait'),
      ...step,
      what: z.enum(['move', 'download']),
      object: StoredFacts,
      row: RowFacts.optional(),
      to: Place.optional().openapi({ description: 'Where the photo would move.' }),
    }),
    z.object({
      kind: z.literal('report'),
      ...step,
      what: z.enum(['conflict', 'lost', 'unstable']),
      code: z.string(),
      local: FileFacts.optional(),
      row: RowFacts.optional(),
    }),
  ])
  .openapi('Action', { description: 'One step of a plan, with the preconditions under which it still holds.' });
