/** The log of one run. */
import type { Log } from './ports.ts';

/** The same log, with these fields on every line; a line's own come before them. */
export function logWith(log: Log, fields: object): Log {
  return {
    debug: (own, message) => log.debug({ ...fields, ...own }, message),
    info: (own, message) => log.info({ ...fields, ...own }, message),
    warn: (own, message) => log.warn({ ...fields, ...own }, message),
    error: (own, message) => log.error({ ...fields, ...own }, message),
  };
}
