/** A dry run's plan as the API answers with it, as zod schemas. */
import { z } from '@hono/zod-openapi';
import { PLAN_GROUPS } from '../sync/plan-groups.ts';
import { Action } from './action-schemas.ts';
import { count, nextCursor, time } from './field-schemas.ts';
import { oneOf, only, paging } from './requests.ts';

const sums = {
  steps: count,
  bytes: count.openapi({ description: 'To be sent or fetched.' }),
  usd: z.number().openapi({ description: 'For requests, estimated from the prices of S3 Standard, us-east-1.' }),
};

const PlanGroup = z
  .object({
    group: z.enum(PLAN_GROUPS),
    ...sums,
    told: count.openapi({ description: 'So many of them are only told: nothing is done about them.' }),
  })
  .openapi('PlanGroup', { description: 'Steps of one kind: what is dangerous comes first.' });

export const KeptPlan = z
  .object({
    runId: z.uuid().openapi({ description: 'The dry run.' }),
    createdAt: time,
    expiresAt: time.openapi({ description: 'From then on it is forgotten.' }),
    appliedAt: time.nullable().openapi({ description: 'Since when somebody carries it out, or has.' }),
    appliedBy: z.uuid().nullable().openapi({ description: 'The run that does.' }),
    ...sums,
    groups: z.array(PlanGroup).readonly(),
  })
  .openapi('Plan');

export const PlanStepList = z.object({ steps: z.array(Action).readonly(), nextCursor }).openapi('PlanStepList');

export const StepPageQuery = only('this list', { group: oneOf(PLAN_GROUPS).optional(), ...paging });
