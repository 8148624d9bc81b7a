/** What a golden scenario does not say and all of them have in common. */
import { createHash } from 'node:crypto';
import type { Library } from '../../src/sync/types.ts';
import type { World } from './world.ts';

export const PREFIX = 'photos/';
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Seconds: what everything is dated that the scenario says nothing of. */
export const DATE = 1_600_000_000;
export const DATES = { 'new date': DATE + 86_400, 'old date': DATE - 86_400 } as const;
/** What a verify has found, and how a scenario calls it. */
export const DAMAGE = { DISK_DAMAGED: 'damaged on disk', OBJECT_DAMAGED: 'damaged in the bucket' } as const;

export const md5 = (bytes: string): string => createHash('md5').update(bytes).digest('hex');
export const etagInParts = (bytes: string): string => `${createHash('md5').update(md5(bytes), 'hex').digest('hex')}-1`;

/** Left out of messages: where this run of the tests happens to have its folder, bucket and server. */
export function placeless(text: string, world: World, library: Library = world.library): string {
  return text
    .replaceAll(world.root, 'ROOT')
    .replaceAll(library.bucket, 'BUCKET')
    .replaceAll(new URL(world.proxy.endpoint).host, 'SERVER')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID');
}
