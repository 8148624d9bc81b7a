/** Holds disk and bucket against the rows by content. */
import { RollcallError } from '../errors.ts';
import type { RunHooks, VerifyRequest } from './service.ts';
import type { Report } from './types.ts';

export async function verify(_request: VerifyRequest, _hooks: RunHooks, _signal: AbortSignal): Promise<Report> {
  throw new RollcallError('INTERNAL', 'verify is not there yet');
}
