/** What the API answers with, as zod schemas: the OpenAPI document comes from these. Requests are in requests.ts. */
import { z } from '@hono/zod-openapi';
import { Action } from './action-schemas.ts';
import { count, END_STATUSES, nextCursor, PhotoState, time } from './field-schemas.ts';
import { pictureFields } from './media-schemas.ts';

const PhotoKind = z.enum(['image', 'video', 'audio', 'sidecar', 'other']);
const RunStatus = z.enum(END_STATUSES);

export const Problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What went wrong and what can be done about it.' }),
    code: z.string().openapi({ description: 'A stable name for what went wrong.', example: 'SYNC_IN_PROGRESS' }),
    field: z.string().optional().openapi({ description: 'Which input is wrong, when it is one.' }),
    scope: z
      .string()
      .optional()
      .openapi({ description: 'Which scope a token needs for this: `read`, `sync` or `admin`.' }),
    instance: z.string().openapi({ description: 'This very occurrence; the log has it under the same id.' }),
  })
  .openapi('Problem', { description: 'An RFC 9457 problem document.' });

const Failure = z.object({ path: z.string(), code: z.string(), message: z.string() }).openapi('Failure');

const phaseCount = count.optional().openapi({ description: 'Direction `down` and `both` only.' });

const CheckCounts = z
  .object({
    photos: count,
    whole: count.openapi({ description: 'On record, on disk and in the bucket alike.' }),
    changed: count.openapi({ description: 'Changed since the last sync; the next one settles it.' }),
    gone: count.openapi({ description: 'From disk, since the last sync.' }),
    archived: count.openapi({ description: 'To be restored before they can be read.' }),
    damaged: count,
    unreadable: count,
    bytes: count.openapi({ description: 'Read, on disk and from the bucket.' }),
  })
  .openapi('CheckCounts', { description: 'What a verify found: each photo counts once.' });

export const Report = z
  .object({
    runId: z.string(),
    status: RunStatus,
    photos: z.object({
      new: count,
      existing: count,
      orphaned: count,
      moved: count,
      changed: count,
      untracked: count,
      lost: count,
    }),
    actions: z.object({
      uploaded: count,
      reuploaded: count,
      skipped: count,
      adopted: count,
      moved: count,
      copied: count.openapi({ description: 'On the server: the bucket held the same bytes under another name.' }),
      downloaded: count,
      updated: count,
      marked: count,
      deleted: count,
      conflicts: count,
      unstable: count,
      waiting: count.openapi({ description: 'Moves and downloads that wait for an archived object.' }),
      failed: count,
    }),
    bytes: z.object({
      uploaded: count,
      downloaded: count,
      resumed: count.optional().openapi({ description: 'Not sent again: an upload that was cut off had sent them.' }),
    }),
    requests: z.object({ head: count, list: count, get: count, put: count, copy: count, delete: count }),
    retries: count.openapi({ description: 'How often something was tried again; what still fails is a failure.' }),
    cost: z
      .object({ usd: z.number() })
      .openapi({ description: 'Estimated from the prices of S3 Standard, us-east-1.' }),
    durationMs: z.number(),
    warnings: z.array(z.string()).readonly().openapi({ description: 'What to read first.' }),
    failures: z.array(Failure).readonly(),
    conflicts: z.array(Failure).readonly().openapi({ description: 'What only a person can decide; untouched.' }),
    files_downloaded: phaseCount,
    files_uploaded: phaseCount,
    files_skipped_download: phaseCount,
    files_skipped_upload: phaseCount,
    checked: CheckCounts.optional(),
    plan: z.array(Action).readonly().optional().openapi({ description: 'What a dry run would have done.' }),
    error: z
      .object({ code: z.string(), message: z.string() })
      .optional()
      .openapi({ description: 'Why the run was refused or failed as a whole.' }),
  })
  .openapi('Report');

export const Library = z
  .object({
    id: z.uuid(),
    name: z.string(),
    root: z.string(),
    bucket: z.string(),
    prefix: z.string(),
    excludes: z.array(z.string()).readonly(),
    sync: z.enum(['up', 'both']).openapi({ description: 'What it asks of the schedule.' }),
  })
  .openapi('Library');

const SideTrial = { ok: z.boolean(), code: z.string().optional(), message: z.string().optional() };

export const LibraryTrial = z
  .object({
    root: z.object({
      ...SideTrial,
      bare: z.boolean().optional().openapi({ description: 'Nothing is in it, as in a mount point without its disk.' }),
    }),
    bucket: z.object(SideTrial),
  })
  .openapi('LibraryTrial', { description: 'Whether each side can be used; if not, why.' });

export const Album = z
  .object({
    id: z.uuid(),
    libraryId: z.uuid(),
    path: z.string().openapi({ description: 'Relative to the root of the library; `.` is the root itself.' }),
    photos: count,
    bytes: count,
    states: z.object({
      pending: count,
      synced: count,
      missing: count,
      orphaned: count,
      lost: count,
      archived: count,
      conflict: count,
      failed: count,
    }),
  })
  .openapi('Album');

const DAMAGE = 'DISK_DAMAGED: its bytes on disk are not those on record, though size and date are';

export const Photo = z
  .object({
    id: z.uuid(),
    libraryId: z.uuid(),
    albumId: z.uuid(),
    path: z.string(),
    fileName: z.string(),
    bucket: z.string(),
    key: z.string(),
    kind: PhotoKind,
    contentType: z.string(),
    size: count,
    modifiedAt: time,
    md5: z.string().nullable(),
    etag: z.string().nullable(),
    storageClass: z.string().nullable(),
    state: PhotoState,
    orphanedAt: time.nullable(),
    lastError: z.string().nullable(),
    verifiedAt: time.nullable(),
    checkedAt: time.nullable().openapi({ description: 'When a verify last held disk and bucket against this.' }),
    damage: z
      .string()
      .nullable()
      .openapi({ description: 'What was wrong then, a line for each: code and message.', example: DAMAGE }),
    ...pictureFields,
    createdAt: time,
    updatedAt: time,
  })
  .openapi('Photo');

const partState = { ok: z.boolean(), error: z.string().optional() };
export const Health = z
  .object({
    status: z.enum(['ok', 'degraded', 'down']),
    version: z.string(),
    parts: z.object({
      database: z.object({ ...partState, version: z.string().optional() }),
      bucket: z.object({
        ...partState,
        endpoint: z.string().optional(),
        bucket: z.string().optional(),
        lacks: z
          .array(z.string())
          .readonly()
          .optional()
          .openapi({ description: 'What the bucket does not honour and what that means for a sync.' }),
      }),
      roots: z
        .array(z.object({ ...partState, library: z.string().optional(), root: z.string().optional() }))
        .readonly(),
      twoWay: z
        .array(z.object({ ...partState, library: z.string().optional(), lastGoodAt: time.nullable().optional() }))
        .readonly()
        .openapi({ description: 'Libraries that ask for two-way syncs; not ok: failing for ten intervals.' }),
      libraries: z
        .array(z.object({ library: z.string(), lastGoodAt: time.nullable(), ageSeconds: count.nullable() }))
        .readonly()
        .nullable()
        .optional()
        .openapi({
          description:
            'When a sync or reconciliation of all of a library last ended with nothing failed, and how many seconds ago; ' +
            'null: none has yet.',
        }),
      queue: z
        .object({
          ...partState,
          queues: z
            .array(z.object({ queue: z.string(), waiting: count, active: count, dead: count }))
            .readonly()
            .optional(),
        })
        .nullable()
        .openapi({ description: 'Null: this server has none. Not ok: jobs were given up after their retries.' }),
    }),
  })
  .openapi('Health', { description: 'Callers without the token that is set see only which part can be used.' });

export const LibraryList = z.object({ libraries: z.array(Library).readonly(), nextCursor }).openapi('LibraryList');
export const AlbumList = z.object({ albums: z.array(Album).readonly(), nextCursor }).openapi('AlbumList');
export const PhotoList = z.object({ photos: z.array(Photo).readonly(), nextCursor }).openapi('PhotoList');
