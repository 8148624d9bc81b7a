/** What the engine is made of, and what it gives each of its runs. */
import type { NewlyWaiting } from './archive.ts';
import type { ArchiveStore } from './browse.ts';
import type { CatalogPort } from './catalog-port.ts';
import type { Sides } from './inventory.ts';
import type { MediaIntake } from './media-intake.ts';
import type { Remains } from './media-sweep.ts';
import type { PlanStore } from './plan-store.ts';
import type { Clock, Log } from './ports.ts';
import type { ScopeParts } from './resolve-scopes.ts';
import type { RunOptions } from './run.ts';
import type { SyncRequest } from './service.ts';
import type { Library, Policy, SyncSettings } from './types.ts';

/** What the service is made of. Disk and bucket are opened a run, so that each run counts its own requests. */
export interface SyncParts extends ScopeParts {
  readonly catalog: CatalogPort;
  readonly archive: ArchiveStore;
  readonly plans: PlanStore;
  /** Told of archived objects that something has begun to wait for. */
  readonly onWaiting?: (waiting: readonly NewlyWaiting[]) => void;
  /** Looks at photos that are uploaded while their bytes are at hand; left out: nobody here does. */
  readonly intake?: Pick<MediaIntake, 'keeping'>;
  /** Left out: variants of photos that are deleted stay. */
  readonly remains?: Remains;
  readonly settings: SyncSettings;
  readonly log: Log;
  readonly now: Clock;
}

/** What every run of the engine is given. */
export function runOptionsOf({ settings, log, now, onWaiting, remains }: SyncParts) {
  return { settings, log, now, ...(onWaiting && { onWaiting }), ...(remains && { remains }) };
}

/** Runs that go on with uploads that were cut off remove those that they leave. */
export function tidyingOf(kind: SyncRequest['kind'], { direction, moves }: Policy): Pick<RunOptions, 'tidy'> {
  return direction === 'down' || moves === 'only' ? {} : { tidy: { thorough: kind === 'reconcile' } };
}

/** For what uploads: photos are read once, also to be looked at. */
export function runSides(parts: SyncParts, library: Library): Sides {
  const sides = sidesOf(parts, library);
  return parts.intake ? { ...sides, disk: parts.intake.keeping(sides.disk, library) } : sides;
}

export function sidesOf(parts: SyncParts, library: Library): Sides {
  return { catalog: parts.catalog, disk: parts.openDisk(library), bucket: parts.openBucket(library) };
}
