/** A request's policy: what it says, and the defaults of its direction (DESIGN 3). */
import { RollcallError } from '../errors.ts';
import type { SyncRequest } from './service.ts';
import type { Direction, Policy } from './types.ts';

const DEFAULTS: Record<Direction, Pick<Policy, 'overwrite' | 'orphans'>> = {
  up: { overwrite: 'known', orphans: 'mark' },
  down: { overwrite: 'known', orphans: 'download' },
  both: { overwrite: 'never', orphans: 'download' },
};

/** BAD_INPUT for what contradicts itself. */
export function policyOf(request: SyncRequest): Policy {
  const direction = request.direction ?? 'up';
  const policy = {
    direction,
    compare: request.compare ?? 'existence',
    overwrite: request.overwrite ?? DEFAULTS[direction].overwrite,
    orphans: request.orphans ?? DEFAULTS[direction].orphans,
    deleteNow: request.deleteNow ?? false,
    moves: direction === 'down' ? false : (request.moves ?? true),
    dryRun: request.dryRun ?? false,
  };
  if (direction === 'down' && request.moves !== undefined && request.moves !== false) {
    const message = 'moves rename objects in the bucket, which direction: down leaves alone';
    throw new RollcallError('BAD_INPUT', message, { field: 'moves' });
  }
  if (direction === 'both' && policy.overwrite === 'source') {
    const message = 'overwrite: source needs a direction, up or down: with both there is no source';
    throw new RollcallError('BAD_INPUT', message, { field: 'overwrite' });
  }
  return policy;
}
