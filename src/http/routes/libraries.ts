import { createRoute } from '@hono/zod-openapi';
import type { NewLibrary } from '../../sync/browse.ts';
import { answer, listOf } from '../answer.ts';
import { findLibrary } from '../find.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { given, IdParams, LibraryChangeBody, LibraryPlaceBody, NewLibraryBody, PageQuery } from '../requests.ts';
import { Library, LibraryList, LibraryTrial } from '../schemas.ts';

const tags = ['Libraries'];
const path = '/api/libraries/{id}';
const required = true;

const list = createRoute({
  method: 'get',
  path: '/api/libraries',
  tags,
  summary: 'The libraries',
  request: { query: PageQuery },
  responses: { 200: json(LibraryList, 'A page of libraries.'), ...problems(400, 503) },
});

const create = createRoute({
  method: 'post',
  path: '/api/libraries',
  tags,
  summary: 'Add a library',
  description: 'Its root must be there and its bucket usable; nothing is synced yet.',
  request: { body: { ...json(NewLibraryBody, 'The library.'), required } },
  responses: {
    201: json(Library, 'The library; Location is its address.'),
    ...problems(400, 409, 413, 415, 422, 502, 503),
  },
});

const tried = createRoute({
  method: 'post',
  path: '/api/libraries/check',
  tags,
  summary: 'See whether the root and the bucket of a library can be used',
  description: 'Saves nothing. What is wrong with either is in the answer, not thrown.',
  request: { body: { ...json(LibraryPlaceBody, 'Where the library is, or is to be.'), required } },
  responses: { 200: json(LibraryTrial, 'Of each side whether it can be used.'), ...problems(400, 413, 415, 503) },
});

const one = createRoute({
  method: 'get',
  path,
  tags,
  summary: 'One library, by id or name',
  request: { params: IdParams },
  responses: { 200: json(Library, 'The library.'), ...problems(404, 503) },
});

const change = createRoute({
  method: 'patch',
  path,
  tags,
  summary: 'Change a library',
  request: { params: IdParams, body: { ...json(LibraryChangeBody, 'What to change.'), required } },
  responses: {
    200: json(Library, 'The library as it is now.'),
    ...problems(400, 404, 409, 413, 415, 422, 502, 503),
  },
});

const remove = createRoute({
  method: 'delete',
  path,
  tags,
  summary: 'Forget a library',
  description: 'Forgets its rows; touches neither disk nor bucket.',
  request: { params: IdParams },
  responses: { 204: { description: 'Forgotten.' }, ...problems(404, 409, 503) },
});

export function libraryRoutes(app: App, { libraries, checkLibrary, tryLibrary, defaults }: HttpParts) {
  return app
    .openapi(list, async (c) => {
      return answer(c, listOf('libraries', await libraries.list(given(c.req.valid('query')))), 200);
    })
    .openapi(create, async (c) => {
      const wanted: NewLibrary = { ...defaults, excludes: [], ...given(c.req.valid('json')) };
      await checkLibrary(wanted, c.req.raw.signal);
      const library = await libraries.create(wanted);
      return answer(c, library, 201, { Location: `/api/libraries/${library.id}` });
    })
    .openapi(tried, async (c) => {
      const wanted: NewLibrary = { name: '', excludes: [], ...defaults, ...given(c.req.valid('json')) };
      return answer(c, await tryLibrary(wanted, c.req.raw.signal), 200);
    })
    .openapi(one, async (c) => {
      return answer(c, await findLibrary(libraries, c.req.valid('param').id, 'id'), 200);
    })
    .openapi(change, async (c) => {
      const wanted = given(c.req.valid('json'));
      const { id, ...library } = await findLibrary(libraries, c.req.valid('param').id, 'id');
      const moves = wanted.root !== undefined || wanted.bucket !== undefined || wanted.prefix !== undefined;
      if (moves) await checkLibrary({ ...library, ...wanted }, c.req.raw.signal);
      return answer(c, await libraries.update(id, wanted), 200);
    })
    .openapi(remove, async (c) => {
      const { id } = await findLibrary(libraries, c.req.valid('param').id, 'id');
      await libraries.remove(id);
      return c.body(null, 204);
    });
}
