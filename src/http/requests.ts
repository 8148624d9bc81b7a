/** What the API accepts, as zod schemas. A field nobody reads is refused by name, never ignored. */
import { isAbsolute, resolve } from 'node:path';
import { type Hook, z } from '@hono/zod-openapi';
import { prefixFault } from '../config.ts';
import { RollcallError } from '../errors.ts';
import { OUTCOMES, PHOTO_STATES, RUN_STATUSES } from './field-schemas.ts';
import type { HttpEnv } from './parts.ts';

/** An object of just these fields. */
export function only<Shape extends z.core.$ZodLooseShape>(what: string, shape: Shape) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `is not known; ${what} takes ${known}` : 'must be an object',
  });
}

export const text = (most: number) =>
  z
    .string('must be text')
    .min(1, 'must not be empty')
    .max(most, `must be at most ${most} characters long`)
    .refine((value) => !value.includes('\0'), 'must not contain a NUL character')
    // Half of a surrogate pair is no text: it cannot be stored, nor be the name of anything.
    .refine((value) => value.isWellFormed(), 'must not contain half characters');

export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, `must be one of ${words.join(', ')}`);

export const albumPath = text(1024)
  .transform((path) => (path.endsWith('/') ? path.slice(0, -1) : path).normalize('NFC'))
  .refine(
    (path) => path === '.' || path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
    'must be a path inside the library, like 2024/summer, or . for its root',
  );

/** The name of a file in an album. */
export const fileName = text(1024).refine(
  (name) => !name.includes('/') && name !== '.' && name !== '..',
  'must be the name of a file in the album, without a folder',
);

export const SyncBody = only('a sync', {
  library: text(255).optional().openapi({ description: 'Id or name. Neither album nor library: every library.' }),
  album: albumPath.optional().openapi({
    type: 'string',
    description: 'Path of the album, relative to the root of its library; `.` for the files in the root itself.',
    example: '2024/summer',
  }),
  albumId: z.uuid('must be the id of an album').optional(),
  files: z
    .array(fileName, 'must be a list')
    .min(1, 'must name a file')
    .max(1_000, 'must be at most 1000 names')
    .optional()
    .openapi({
      description: 'Of the album, only the photos with these names, and only those on record; renames are not seen.',
    }),
  dryRun: z.boolean('must be true or false').optional().openapi({ description: 'Only say what would be done.' }),
  direction: oneOf(['up', 'down', 'both']).optional().openapi({
    description: 'From disk to bucket (the default), from bucket to disk, or first down and then up.',
  }),
  compare: oneOf(['existence', 'content']).optional().openapi({
    description: 'Sizes, times and recorded ETags decide (the default), or contents where no MD5 on record speaks.',
  }),
  overwrite: oneOf(['never', 'known', 'newer', 'source'])
    .optional()
    .openapi({
      description:
        'What may be replaced: nothing (the default of `both`), what is on record as ours (the default of `up` and ' +
        '`down`), the older of the two, whatever differs on the side that `direction` leads to.',
    }),
  orphans: oneOf(['mark', 'download', 'delete'])
    .optional()
    .openapi({
      description:
        'Photos gone from disk: keep their objects (the default of `up`), bring the files back (the default of `down` ' +
        'and `both`), or delete the objects of photos gone for ORPHAN_GRACE_DAYS.',
    }),
  moves: z
    .union([z.boolean(), z.literal('only')], 'must be true, false or "only"')
    .optional()
    .openapi({
      description:
        'A photo renamed on disk is renamed in the bucket, by a copy on the server (the default, except of `down`); ' +
        '`false`: it is uploaded again and the old name orphaned; `only`: nothing but renames is done.',
    }),
})
  .refine((body) => body.album === undefined || body.albumId === undefined, {
    path: ['albumId'],
    error: 'and album cannot both be given',
  })
  .refine((body) => body.files === undefined || body.album !== undefined || body.albumId !== undefined, {
    path: ['files'],
    error: 'are names in an album, which must be given too',
  })
  .openapi('SyncRequest');

export const ReconcileBody = only('a reconciliation', {
  library: text(255).optional().openapi({ description: 'Id or name. Left out: every library.' }),
}).openapi('ReconcileRequest');

const libraryFields = {
  name: text(255).openapi({ example: 'Family' }),
  root: text(4096)
    .refine(isAbsolute, 'must be an absolute path on the server')
    .transform((path) => resolve(path))
    .openapi({ type: 'string', example: '/srv/photos' }),
  bucket: z
    .string('must be text')
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be a bucket name: 3 to 63 of a-z, 0-9, . and -'),
  prefix: z.string('must be text').superRefine((value, context) => {
    const fault = prefixFault(value);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
  }),
  excludes: z
    .array(text(1024), 'must be a list of patterns')
    .max(1000, 'must be at most 1000 patterns')
    .openapi({ description: 'What not to sync, in gitignore syntax.', example: ['*.xmp', 'private/'] }),
  sync: oneOf(['up', 'both']).openapi({
    description: '`both`: a two-way sync every SYNC_INTERVAL_SECONDS while the server runs. `up`: nothing by itself.',
  }),
};

export const NewLibraryBody = only('a new library', {
  name: libraryFields.name,
  root: libraryFields.root,
  bucket: libraryFields.bucket.optional().openapi({ description: "Left out: the server's own bucket." }),
  prefix: libraryFields.prefix.optional().openapi({
    description: "Empty, or ending in `/`; no other library's may overlap it. Left out: the server's own.",
  }),
  excludes: libraryFields.excludes.optional(),
  sync: libraryFields.sync.optional().openapi({ default: 'up' }),
}).openapi('NewLibrary');

export const LibraryPlaceBody = only('the place of a library', {
  root: libraryFields.root,
  bucket: libraryFields.bucket.optional().openapi({ description: "Left out: the server's own bucket." }),
  prefix: libraryFields.prefix.optional().openapi({ description: "Left out: the server's own." }),
}).openapi('LibraryPlace');

export const LibraryChangeBody = only('a change of a library', {
  name: libraryFields.name.optional(),
  root: libraryFields.root.optional(),
  bucket: libraryFields.bucket.optional(),
  prefix: libraryFields.prefix.optional(),
  excludes: libraryFields.excludes.optional(),
  sync: libraryFields.sync.optional(),
}).openapi('LibraryChange', { description: 'Bucket and prefix can change only while the library has no photos.' });

const LIMIT = 'must be a whole number from 1 to 1000';
export const paging = {
  cursor: text(4096).optional().openapi({ description: '`nextCursor` of the page before.' }),
  limit: z.coerce.number(LIMIT).int(LIMIT).min(1, LIMIT).max(1000, LIMIT).default(100),
};
export const library = text(255).optional().openapi({ description: 'Id or name of a library.' });

export const PageQuery = only('this list', paging);
export const LibraryPageQuery = only('this list', { library, ...paging });
export const PhotoPageQuery = only('this list', {
  state: oneOf(PHOTO_STATES).optional(),
  order: oneOf(['key', 'takenAt'])
    .optional()
    .openapi({ description: 'By name (the default), or by when they were taken, those that do not tell last.' }),
  ...paging,
});
export const PhotosQuery = only('this list', { library, state: oneOf(PHOTO_STATES).optional(), ...paging });
export const AddressQuery = only('this address', {
  variant: oneOf(['thumb', 'preview']).optional().openapi({ description: 'Left out: the photo itself.' }),
  download: oneOf(['true', 'false'])
    .transform((word) => word === 'true')
    .optional()
    .openapi({ type: 'string', description: 'Whether a browser is to save it under its name instead of showing it.' }),
});
export const RunPageQuery = only('this list', {
  library,
  kind: text(64).optional().openapi({ description: '`sync`, `reconcile`, `verify` and so on.' }),
  status: oneOf(RUN_STATUSES).optional(),
  album: albumPath.optional().openapi({ type: 'string', description: 'Only runs over this very album.' }),
  parent: z
    .union([z.uuid(), z.literal('none')], 'must be the id of a run, or none')
    .optional()
    .openapi({
      description:
        'Only the parts of this run; `none`: only runs that are no part of another, or with `library` of no other over it.',
    }),
  ...paging,
});
export const ActionPageQuery = only('this list', { outcome: oneOf(OUTCOMES).optional(), ...paging });
export const IdParams = z.object({ id: text(255).openapi({ param: { name: 'id', in: 'path' } }) });

/** For OpenAPIHono's `defaultHook`: what zod refused is thrown as BAD_INPUT, naming the field and what would be right. */
export const throwBadInput: Hook<unknown, HttpEnv, string, void> = (result) => {
  if (result.success) return;
  const issue = result.error.issues[0];
  const inner = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = [...(issue?.path ?? []), ...inner].map(String).join('.') || 'body';
  throw new RollcallError('BAD_INPUT', `${field} ${issue?.message ?? 'is wrong'}`, { cause: result.error, field });
};

type Optional<T> = { [Key in keyof T]: undefined extends T[Key] ? Key : never }[keyof T];

/** What zod calls optional may hold `undefined`; the engine's optional fields are there or not. */
export function given<T extends object>(
  fields: T,
): Omit<T, Optional<T>> & { [Key in Optional<T>]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ReturnType<typeof given<T>>;
}
