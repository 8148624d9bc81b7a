import { createRoute } from '@hono/zod-openapi';
import { RollcallError } from '../../errors.ts';
import type { SavedPlan } from '../../sync/plan-file.ts';
import { answer, listOf } from '../answer.ts';
import { isUuid } from '../find.ts';
import { goingOn } from '../going-on.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { KeptPlan, PlanStepList, StepPageQuery } from '../plan-schemas.ts';
import { prefer } from '../prefer.ts';
import { given, IdParams } from '../requests.ts';
import { QueuedRun } from '../run-schemas.ts';
import { Report } from '../schemas.ts';
import { assertScope } from '../scopes.ts';

const tags = ['Sync'];

const one = createRoute({
  method: 'get',
  path: '/api/runs/{id}/plan',
  tags,
  summary: 'What a dry run would do: counts, bytes and cost of each group of steps',
  description:
    'Of a dry run over the API, for a day; of more than the latest twenty, the oldest are forgotten earlier.',
  request: { params: IdParams },
  responses: { 200: json(KeptPlan, 'The plan, without its steps.'), ...problems(404, 503) },
});

const steps = createRoute({
  method: 'get',
  path: '/api/runs/{id}/plan/steps',
  tags,
  summary: 'The steps of a plan, page by page',
  request: { params: IdParams, query: StepPageQuery },
  responses: { 200: json(PlanStepList, 'A page of steps, group by group.'), ...problems(400, 404, 503) },
});

const apply = createRoute({
  method: 'post',
  path: '/api/runs/{id}/apply',
  tags,
  summary: 'Carry out what a dry run has shown, and nothing else',
  description:
    'Each step is done only if what it was planned for still holds: the file, the row and the object are those that the ' +
    'dry run saw. What does not is left alone and among the failures (`PLAN_STALE`), the conflicts or the unstable. The ' +
    'guards are asked again. A plan is carried out once: a second time is 409 `PLAN_APPLIED`. If something else is at work ' +
    'there, that is 409 `SYNC_IN_PROGRESS`, and the plan stays. A run that is cut off is not gone on with: make a new plan.',
  parameters: [prefer],
  request: { params: IdParams },
  responses: {
    200: json(Report, 'The report.'),
    202: {
      ...json(QueuedRun, 'Asked for by `Prefer: respond-async`: the run goes and can be followed.'),
      headers: { Location: { description: 'Of the run.', schema: { type: 'string' } } },
    },
    ...problems(400, 404, 409, 422, 502, 503),
  },
});

export function planRoutes(app: App, { service, plans, log }: HttpParts) {
  return app
    .openapi(one, async (c) => {
      const { id } = c.req.valid('param');
      return answer(c, await found(id, (uuid) => plans.find(uuid)), 200);
    })
    .openapi(steps, async (c) => {
      const { id } = c.req.valid('param');
      const { group, ...page } = given(c.req.valid('query'));
      const listed = await found(id, (uuid) => plans.steps(uuid, given({ group }), page));
      return answer(c, listOf('steps', listed), 200);
    })
    .openapi(apply, async (c) => {
      const { runId: id, groups } = await found(c.req.valid('param').id, (uuid) => plans.find(uuid));
      const mayDelete = () => assertScope(c, 'admin', 'a plan that deletes objects');
      if (groups.some(({ group }) => group === 'delete')) mayDelete();
      // What is taken now may be more than was found: the dry run may have come to its end in between.
      const onPlan = ({ actions }: SavedPlan) => {
        if (actions.some(({ kind }) => kind === 'delete')) mayDelete();
      };
      return goingOn(c, { log }, (hooks, signal) => service.applyKept(id, { ...hooks, onPlan }, signal));
    });
}

async function found<Item>(id: string, find: (id: string) => Promise<Item | null>): Promise<Item> {
  const item = isUuid(id) ? await find(id) : null;
  if (item !== null) return item;
  const message = `no plan is kept of the run ${id}: it was no dry run, or is too long ago`;
  throw new RollcallError('NOT_FOUND', message, { field: 'id' });
}
