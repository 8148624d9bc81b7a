/** What a photo's picture tells, as zod schemas. */
import { z } from '@hono/zod-openapi';
import { count, time } from './field-schemas.ts';

const metadata = z
  .object({
    camera: z.object({ make: z.string().nullable(), model: z.string().nullable() }).readonly().nullable(),
    lens: z.string().nullable(),
    exposureSeconds: z.number().nullable(),
    fNumber: z.number().nullable(),
    iso: z.number().nullable(),
    focalLengthMm: z.number().nullable(),
    focalLength35mm: z.number().nullable(),
    gps: z
      .object({ latitude: z.number(), longitude: z.number(), altitude: z.number().nullable() })
      .readonly()
      .nullable()
      .openapi({ description: 'Decimal degrees (WGS 84), metres above sea level.' }),
    rating: z.number().nullable().openapi({ description: '1 to 5; 0: rated with nothing; -1: rejected.' }),
    title: z.string().nullable(),
    description: z.string().nullable(),
    keywords: z.array(z.string()).readonly(),
  })
  .readonly();

const variant = z
  .object({
    name: z.enum(['thumb', 'preview']),
    width: count,
    height: count,
    size: count,
    key: z.string(),
    url: z.url().openapi({ description: 'Where a browser reads it from the bucket; good for 18 hours at least.' }),
  })
  .readonly();

/** Fields of a photo. */
export const pictureFields = {
  media: z
    .object({
      state: z.enum(['ready', 'unsupported', 'refused', 'corrupt', 'failed']),
      error: z.string().nullable(),
      processedAt: time,
    })
    .readonly()
    .nullable()
    .openapi({ description: 'What came of looking at its picture; null: nobody has yet.' }),
  width: z.int().nullable().openapi({ description: 'Pixels as it is to be looked at.' }),
  height: z.int().nullable(),
  durationMs: z.int().nullable(),
  takenAt: time
    .nullable()
    .openapi({ description: 'In UTC; without an offset, as if the clock on the wall had been that of UTC.' }),
  takenOffset: z.int().nullable().openapi({ description: 'Minutes east of UTC.' }),
  takenFrom: z.enum(['exif', 'xmp', 'container', 'file']).nullable(),
  thumbhash: z.string().nullable().openapi({ description: 'A placeholder (ThumbHash) in base64.' }),
  metadata: metadata.nullable().openapi({ description: 'What else the photo tells of itself.' }),
  variants: z.array(variant).readonly().openapi({ description: 'Smaller pictures of it, the smallest first.' }),
};

export const Address = z
  .object({ url: z.url(), expiresAt: time.openapi({ description: 'Good until then at least.' }) })
  .openapi('Address');
