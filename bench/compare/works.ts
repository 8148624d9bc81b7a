/** What is compared. */
import { firstSyncs } from './first-sync.ts';
import { mediaSync } from './media-sync.ts';
import { renamed } from './renamed.ts';
import { unchanged } from './unchanged.ts';
import type { Stage, Work } from './work.ts';

export function works(stage: Stage): readonly Work[] {
  return [unchanged(stage), ...firstSyncs(stage), renamed(stage), mediaSync(stage)];
}
