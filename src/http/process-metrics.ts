/** What this process uses, under the names that Prometheus' own clients give it. */
import { performance } from 'node:perf_hooks';
import type { Family } from './exposition.ts';

/** As of now. Nothing is kept running for it: Node counts all of it anyway. */
export function processFamilies(): readonly Family[] {
  const { user, system } = process.cpuUsage();
  const memory = process.memoryUsage();
  const loop = performance.eventLoopUtilization();
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'Seconds of CPU that this process has used.',
      type: 'counter',
      values: [{ value: (user + system) / 1e6 }],
    },
    {
      name: 'process_start_time_seconds',
      help: 'When this process started, in seconds since 1970.',
      type: 'gauge',
      values: [{ value: performance.timeOrigin / 1_000 }],
    },
    {
      name: 'process_resident_memory_bytes',
      help: 'Memory of this process that is in RAM.',
      type: 'gauge',
      values: [{ value: memory.rss }],
    },
    {
      name: 'nodejs_heap_size_used_bytes',
      help: 'JavaScript objects in memory.',
      type: 'gauge',
      values: [{ value: memory.heapUsed }],
    },
    {
      name: 'nodejs_heap_size_total_bytes',
      help: 'Memory set aside for JavaScript objects.',
      type: 'gauge',
      values: [{ value: memory.heapTotal }],
    },
    {
      name: 'nodejs_external_memory_bytes',
      help: 'Memory outside the heap that JavaScript objects hold: buffers, mostly.',
      type: 'gauge',
      values: [{ value: memory.external }],
    },
    {
      name: 'nodejs_eventloop_time_seconds_total',
      help: 'How long the event loop was at work (active) and waiting for work (idle). All active: requests wait.',
      type: 'counter',
      values: [
        { labels: { state: 'active' }, value: loop.active / 1_000 },
        { labels: { state: 'idle' }, value: loop.idle / 1_000 },
      ],
    },
  ];
}
