import { createRoute } from '@hono/zod-openapi';
import { answer } from '../answer.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { given } from '../requests.ts';
import { runSignal } from '../run-signal.ts';
import { albumOf, CompareBody, ImagesBody, RemoveBody } from '../s3-requests.ts';
import { Comparison, FilesReport } from '../s3-schemas.ts';

const tags = ['Compare'];
const required = true;
const refusals = problems(400, 404, 409, 413, 415, 422, 502, 503);

const compare = createRoute({
  method: 'post',
  path: '/api/s3/compare',
  tags,
  summary: 'Hold the files of an album against its objects, by content',
  description: 'Touches neither. What cannot be read is an error and in no list.',
  request: { body: { ...json(CompareBody, 'The album.'), required } },
  responses: { 200: json(Comparison, 'Every file and object of the album, in one of four lists.'), ...refusals },
});

const upload = createRoute({
  method: 'post',
  path: '/api/s3/upload',
  tags,
  summary: 'Upload files of an album',
  description: 'Objects that differ are replaced. The run goes on when the caller hangs up.',
  request: { body: { ...json(ImagesBody, 'The album and what to send.'), required } },
  responses: { 200: json(FilesReport, 'What became of each file.'), ...refusals },
});

const download = createRoute({
  method: 'post',
  path: '/api/s3/download',
  tags,
  summary: 'Download objects of an album',
  description: 'Files that differ are replaced. The run goes on when the caller hangs up.',
  request: { body: { ...json(ImagesBody, 'The album and what to fetch.'), required } },
  responses: { 200: json(FilesReport, 'What became of each file.'), ...refusals },
});

const remove = createRoute({
  method: 'post',
  path: '/api/s3/remove',
  tags,
  summary: 'Remove objects of an album and keep the files',
  description:
    'Only an object on record is removed, and only where the file on disk holds the same bytes. ' +
    'The next sync brings it back.',
  request: { body: { ...json(RemoveBody, 'The album and whose objects to remove.'), required } },
  responses: { 200: json(FilesReport, 'What became of each file.'), ...refusals },
});

export function s3Routes(app: App, { service, browser }: HttpParts) {
  return app
    .openapi(compare, async (c) => {
      const { localImages, ...fields } = c.req.valid('json');
      const request = { ...(await albumOf(fields, browser)), ...given({ localImages }) };
      // A comparison is of use to its caller only: it ends with the connection.
      const signal = AbortSignal.any([runSignal(c), c.req.raw.signal]);
      const [compared] = await service.compare(request, signal);
      if (compared === undefined) throw new Error('the engine answered no comparison');
      return answer(c, compared.lists, 200);
    })
    .openapi(upload, async (c) => {
      const { images, ...fields } = c.req.valid('json');
      const request = { ...(await albumOf(fields, browser)), filenames: images };
      return answer(c, await service.files('upload', request, {}, runSignal(c)), 200);
    })
    .openapi(download, async (c) => {
      const { images, ...fields } = c.req.valid('json');
      const request = { ...(await albumOf(fields, browser)), filenames: images };
      return answer(c, await service.files('download', request, {}, runSignal(c)), 200);
    })
    .openapi(remove, async (c) => {
      const { filenames, ...fields } = c.req.valid('json');
      const request = { ...(await albumOf(fields, browser)), filenames };
      return answer(c, await service.files('remove', request, {}, runSignal(c)), 200);
    });
}
