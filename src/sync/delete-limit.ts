/** MAX_DELETE as people write it. */
import { RollcallError } from '../errors.ts';
import type { DeleteLimit } from './types.ts';

/** Reads `25%` or `100`. BAD_INPUT on anything else. */
export function parseDeleteLimit(text: string, field: string): DeleteLimit {
  const match = /^(\d{1,9})(%?)$/.exec(text.trim());
  const value = Number(match?.[1]);
  if (match === null || (match[2] === '%' && value > 100)) {
    throw new RollcallError('BAD_INPUT', `${field} must be a count like 100 or a share like 25%`, { field });
  }
  return match[2] === '%' ? { percent: value } : { count: value };
}
