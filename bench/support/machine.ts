/** The machine that figures were measured on, and how busy it was. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
  };
}

/** Processes that wanted a core in the last minute, on average. */
export function load(): number {
  return loadavg()[0] ?? 0;
}

/** What all processors together have done since the machine was started. */
export interface ProcessorTimes {
  readonly idle: number;
  readonly all: number;
}

/** Null where the system is not Linux. */
export function processorTimes(): ProcessorTimes | null {
  return existsSync('/proc/stat') ? processorTimesIn(readFileSync('/proc/stat', 'utf8')) : null;
}

/** Of the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are among the users. */
export function processorTimesIn(stat: string): ProcessorTimes {
  const times = (stat.split('\n')[0] ?? '').trim().split(/ +/).slice(1, 9).map(Number);
  const [, , , idle = Number.NaN, waiting = Number.NaN] = times;
  return { idle: idle + waiting, all: times.reduce((sum, time) => sum + time, 0) };
}

/** 0 to 1; NaN when it is not known. */
export function busyShare(before: ProcessorTimes | null, after: ProcessorTimes | null): number {
  if (before === null || after === null) return Number.NaN;
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}
