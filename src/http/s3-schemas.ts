/** What /api/s3/… answers with, as zod schemas (DESIGN 7). */
import { z } from '@hono/zod-openapi';
import { Report } from './schemas.ts';

const size = z.int().min(0);
const filename = z.string();

export const Comparison = z
  .object({
    missing_in_s3: z
      .array(z.object({ filename, localPath: z.string(), size }))
      .readonly()
      .openapi({ description: "Files without an object; `localPath` is relative to the library's root." }),
    missing_locally: z
      .array(z.object({ filename, s3Key: z.string(), size }))
      .readonly()
      .openapi({ description: 'Objects without a file.' }),
    different: z
      .array(
        z.object({
          filename,
          reason: z.enum(['content_mismatch', 'size_mismatch', 'unknown']),
          localMd5: z.string().nullable(),
          s3Etag: z.string(),
        }),
      )
      .readonly()
      .openapi({ description: '`unknown`: the ETag says nothing about the content; never a guess.' }),
    identical: z.array(z.object({ filename, size })).readonly(),
  })
  .openapi('Comparison');

const FileResult = z
  .object({
    filename,
    status: z
      .enum(['uploaded', 'downloaded', 'removed', 'skipped', 'conflict', 'failed', 'not_found'])
      .openapi({ description: '`not_found`: what was to be sent, fetched or removed is not there.' }),
    code: z.string().optional(),
    message: z.string().optional(),
  })
  .openapi('FileResult');

export const FilesReport = z
  .object({
    results: z.array(FileResult).readonly().openapi({ description: 'One for each name, in the order given.' }),
    report: Report,
  })
  .openapi('FilesReport');
