/** What /api/reupload accepts, as a zod schema. */
import { z } from '@hono/zod-openapi';
import { MOST_PHOTO_IDS } from '../sync/reupload.ts';
import { only, text } from './requests.ts';
import { albumFields, albumsNamed } from './s3-requests.ts';

const most = `must be at most ${MOST_PHOTO_IDS} ids; an album or a library can be named instead`;

export const ReuploadBody = only('a re-upload', {
  ...albumFields,
  photoIds: z
    .array(text(255), 'must be a list of ids of photos')
    .min(1, 'must name a photo')
    .max(MOST_PHOTO_IDS, most)
    .optional()
    .openapi({ description: 'Only these, of whatever albums and libraries.' }),
})
  .refine((body) => albumsNamed(body) <= 1, { path: ['album'], error: 'and albumId or styleId cannot both be given' })
  .refine((body) => body.photoIds === undefined || (albumsNamed(body) === 0 && body.library === undefined), {
    path: ['photoIds'],
    error: 'name their albums: an album or a library cannot be given beside them',
  })
  .openapi('ReuploadRequest');
