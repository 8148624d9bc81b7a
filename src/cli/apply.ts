/** `rollcall apply plan.json`: runs a saved plan. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RollcallError } from '../errors.ts';
import { readPlan, type SavedPlan } from '../sync/plan-file.ts';
import type { GlobalOptions } from './invocation.ts';
import type { Screen } from './screen.ts';
import { runCommand } from './session.ts';
import { reported, withRollcall } from './sync.ts';

/** Runs `apply` to its exit code. Throws BAD_INPUT or BAD_PLAN for a file that holds no plan. */
export async function apply(planFile: string, options: GlobalOptions, screen: Screen): Promise<number> {
  const plan = await loadPlan(planFile);
  return runCommand({
    name: 'apply',
    options,
    screen,
    stopping: 'Stopping: what is under way is finished first. Ctrl-C again stops at once.',
    body: (session) =>
      withRollcall(session, null, (rollcall) =>
        reported(session, rollcall, (hooks) => rollcall.service.apply(plan, hooks, session.signal)),
      ),
  });
}

async function loadPlan(planFile: string): Promise<SavedPlan> {
  let text: string;
  try {
    text = await readFile(resolve(planFile), 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (cause as Error).message;
    throw new RollcallError('BAD_INPUT', `the plan ${planFile} cannot be read: ${why}`, { cause });
  }
  return readPlan(text);
}
