/**
 * Reads Prometheus' text format as strictly as it is written down: what a scraper would let pass or drop in silence
 * fails here.
 */
import { expect } from 'vitest';

export interface ReadFamily {
  readonly help: string;
  readonly type: string;
  /** By the sample's name and labels, the labels in the order of their names. */
  readonly samples: Map<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|})/;
const VALUE = /^ ([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

/** The families of an exposition, in order. Throws at the first thing that is wrong with it. */
export function readExposition(text: string): Map<string, ReadFamily> {
  const families = new Map<string, ReadFamily>();
  let current: { name: string; family: ReadFamily } | null = null;
  let help: { name: string; text: string } | null = null;
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.slice(0, -1).split('\n')) {
    const about = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (about?.[1] === 'HELP') {
      if (help !== null) throw new Error(`HELP without TYPE: ${help.name}`);
      if (families.has(about[2]!)) throw new Error(`told of twice: ${line}`);
      if (about[3]!.replaceAll(/\\[\\n]/g, '').includes('\\')) throw new Error(`badly escaped: ${line}`);
      help = { name: about[2]!, text: about[3]! };
    } else if (about?.[1] === 'TYPE') {
      const [, , name, type] = about as unknown as [string, string, string, string];
      if (help?.name !== name) throw new Error(`TYPE without its HELP: ${line}`);
      if (!['counter', 'gauge', 'histogram'].includes(type)) throw new Error(`no type: ${line}`);
      current = { name, family: { help: help.text, type, samples: new Map() } };
      families.set(name, current.family);
      help = null;
    } else {
      if (current === null || help !== null) throw new Error(`a sample of nothing: ${line}`);
      addSample(current.name, current.family, line);
    }
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function addSample(family: string, { type, samples }: ReadFamily, line: string): void {
  const name = NAME.exec(line)?.[0] ?? '';
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!suffixes.some((suffix) => name === family + suffix)) throw new Error(`not of ${family}: ${line}`);
  const { labels, rest } = readLabels(line.slice(name.length), line);
  const value = VALUE.exec(rest)?.[1];
  if (value === undefined) throw new Error(`no value: ${line}`);
  const key = sampleName(name, labels);
  if (samples.has(key)) throw new Error(`twice: ${line}`);
  samples.set(key, value.endsWith('Inf') ? Number.POSITIVE_INFINITY : Number(value));
}

function readLabels(text: string, line: string): { labels: Record<string, string>; rest: string } {
  const labels: Record<string, string> = {};
  if (!text.startsWith('{')) return { labels, rest: text };
  let rest = text.slice(1);
  for (;;) {
    const label = LABEL.exec(rest);
    if (label === null) throw new Error(`no label at ${JSON.stringify(rest)}: ${line}`);
    const [all, name, value, end] = label as unknown as [string, string, string, string];
    if (name in labels || name.startsWith('__')) throw new Error(`label ${name}: ${line}`);
    labels[name] = value.replaceAll(/\\(.)/g, (_escape, what: string) => (what === 'n' ? '\n' : what));
    rest = rest.slice(all.length);
    if (end === '}') return { labels, rest };
  }
}

/** How `samples` names a sample. */
export function sampleName(name: string, labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}

function checkFamily(name: string, family: ReadFamily): void {
  const { type, help, samples } = family;
  expect(help.trim(), name).not.toBe('');
  expect(samples.size, `${name} has no sample`).toBeGreaterThan(0);
  if (type === 'counter') expect(name).toMatch(/_total$/);
  else expect(name).not.toMatch(/_total$|_sum$|_count$|_bucket$/);
  if (type !== 'gauge') for (const value of samples.values()) expect(value, name).toBeGreaterThanOrEqual(0);
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: ReadFamily['samples']): void {
  const groups = new Map<string, { le: number; count: number }[]>();
  for (const [key, count] of samples) {
    const bucket = /^(.*?)(,?le="([^"]+)")(.*)$/.exec(key);
    if (bucket === null) continue;
    const group = `${bucket[1]}${bucket[4]}`;
    const le = bucket[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(bucket[3]);
    groups.set(group, [...(groups.get(group) ?? []), { le, count }]);
  }
  expect(groups.size, name).toBeGreaterThan(0);
  for (const [group, buckets] of groups) {
    const labels = group.slice(`${name}_bucket`.length).replace('{,', '{').replace(/^{}$/, '');
    expect(samples.has(`${name}_sum${labels}`), `${name}_sum${labels}`).toBe(true);
    expect(samples.get(`${name}_count${labels}`), `${name}_count${labels}`).toBe(buckets.at(-1)?.count);
    expect(buckets.at(-1)?.le, name).toBe(Number.POSITIVE_INFINITY);
    expect(buckets).toEqual(buckets.toSorted((a, b) => a.le - b.le || a.count - b.count));
    expect(buckets.map(({ count }) => count)).toEqual(buckets.map(({ count }) => count).toSorted((a, b) => a - b));
  }
}
