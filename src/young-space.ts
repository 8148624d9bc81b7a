/** Keeps V8 from taking memory that it does not need. */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** For all that lives shorter than a batch of photos, twice over: more of it makes nothing faster (docs/performance.md). */
const ENOUGH_BYTES = 24_000_000;

/**
 * The space for young objects doubles as long as any survive, to 134 MB in the sync of a large library: a third of all
 * the memory of the process. From a certain size on it is not let grow; if V8 shrinks it, it may grow again. An option of
 * Node's could say so only where somebody types `node`.
 */
export function boundYoungSpace(): void {
  let bounded = false;
  const observer = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    const bounds = young !== undefined && young.space_size >= ENOUGH_BYTES;
    if (bounds === bounded) return;
    bounded = bounds;
    setFlagsFromString(`--semi-space-growth-factor=${bounded ? 1 : 2}`);
  });
  observer.observe({ entryTypes: ['gc'] });
}
