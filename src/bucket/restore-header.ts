/** How the restore of an archived object stands, as a HEAD tells it. */
import type { HeadedObject } from '../sync/bucket-port.ts';

/** What the x-amz-restore of a HEAD says; undefined where there is none. */
export function restoreOf(header: string | undefined): HeadedObject['restore'] {
  if (header === undefined) return undefined;
  const untilMs = Date.parse(/expiry-date="([^"]*)"/.exec(header)?.[1] ?? '');
  return { ongoing: header.includes('ongoing-request="true"'), untilMs: Number.isNaN(untilMs) ? null : untilMs };
}
