/** What the API answers with, as zod schemas: the OpenAPI document comes from these. Requests are in requests.ts. */
import { z } from '@hono/zod-openapi';

const count = z.int().min(0);
const time = z.iso.datetime();
/** A bigint of the engine; see answer.ts. */
const digits = z.string().regex(/^-?\d+$/);

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
const PhotoState = z.enum(PHOTO_STATES).openapi('PhotoState');
const PhotoKind = z.enum(['image', 'video', 'audio', 'sidecar', 'other']);
const RunStatus = z.enum(['succeeded', 'partial', 'failed', 'refused', 'planned']);

export const Problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What went wrong and what can be done about it.' }),
    code: z.string().openapi({ description: 'A stable name for what went wrong.', example: 'SYNC_IN_PROGRESS' }),
    field: z.string().optional().openapi({ description: 'Which input is wrong, when it is one.' }),
    instance: z.string().openapi({ description: 'This very occurrence; the log has it under the same id.' }),
  })
  .openapi('Problem', { description: 'An RFC 9457 problem document.' });

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
const Action = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('upload'), ...step, local: FileFacts, row: RowFacts.optional() }),
    z.object({
      kind: z.literal('reupload'),
      ...step,
      local: FileFacts,
      row: RowFacts.optional(),
      object: ObjectFacts.optional(),
      unlessOther: z.enum(['conflict', 'download']).optional(),
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

const Failure = z.object({ path: z.string(), code: z.string(), message: z.string() }).openapi('Failure');

const phaseCount = count.optional().openapi({ description: 'Direction `down` and `both` only.' });

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
    bytes: z.object({ uploaded: count, downloaded: count }),
    requests: z.object({ head: count, list: count, get: count, put: count, copy: count, delete: count }),
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
    plan: z.array(Action).readonly().optional().openapi({ description: 'What a dry run would have done.' }),
    error: z
      .object({ code: z.string(), message: z.string() })
      .optional()
      .openapi({ description: 'Why the run was refused or failed as a whole.' }),
  })
  .openapi('Report');

export const Run = z
  .object({
    id: z.uuid(),
    libraryId: z.uuid().nullable(),
    parentId: z.uuid().nullable().openapi({ description: 'The run over several libraries that this one is part of.' }),
    album: z.string().nullable(),
    kind: z.string(),
    status: z.enum([...RunStatus.options, 'running']),
    policy: z.unknown(),
    report: Report.nullable(),
    startedAt: time,
    finishedAt: time.nullable(),
  })
  .openapi('Run');

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
    }),
  })
  .openapi('Health', { description: 'Callers without the token that is set see only which part can be used.' });

const nextCursor = z.string().nullable().openapi({ description: 'For the next page; null on the last one.' });
export const RunList = z.object({ runs: z.array(Run).readonly(), nextCursor }).openapi('RunList');
export const LibraryList = z.object({ libraries: z.array(Library).readonly(), nextCursor }).openapi('LibraryList');
export const AlbumList = z.object({ albums: z.array(Album).readonly(), nextCursor }).openapi('AlbumList');
export const PhotoList = z.object({ photos: z.array(Photo).readonly(), nextCursor }).openapi('PhotoList');
