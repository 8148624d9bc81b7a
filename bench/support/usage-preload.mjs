// Loaded by `node --import` into a measured process: at its end, writes what it has used to $BENCH_USAGE_FILE. The
// figures are the operating system's for the process as a whole, so worker threads count.
import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.BENCH_USAGE_FILE;

/** In bytes. Linux lets a child begin with its parent's peak in getrusage, so there the address space's own is read. */
function peakRss() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

if (isMainThread && file !== undefined) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const usage = { userSeconds: userCPUTime / 1e6, systemSeconds: systemCPUTime / 1e6, peakRssBytes: peakRss() };
    writeFileSync(file, JSON.stringify(usage));
  });
}
