/**
 * Prometheus' text format. Written here and not by a library: nearly all numbers are read from the database at the
 * moment they are asked for, which leaves a library nothing to keep, and the one there is has had no release for years.
 */

export type Labels = Readonly<Record<string, string>>;

/** One metric and its values, one for each set of labels. */
export type Family = {
  /** With its unit, and `_total` for a counter. */
  readonly name: string;
  readonly help: string;
} & (
  | { readonly type: 'counter' | 'gauge'; readonly values: readonly Value[] }
  | { readonly type: 'histogram'; readonly values: readonly HistogramValue[] }
);

export interface Value {
  readonly labels?: Labels;
  readonly value: number;
}

export interface HistogramValue {
  readonly labels: Labels;
  readonly count: number;
  readonly sum: number;
  /** How many were no larger than `le`, in ascending order; the one without a limit is added. */
  readonly within: readonly { readonly le: number; readonly count: number }[];
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The families as Prometheus reads them. One without values is left out. */
export function exposition(families: readonly Family[]): string {
  return families
    .filter(({ values }) => values.length > 0)
    .map(
      (family) =>
        `# HELP ${family.name} ${helpText(family.help)}\n# TYPE ${family.name} ${family.type}\n${lines(family)}`,
    )
    .join('');
}

function lines(family: Family): string {
  const { name } = family;
  if (family.type !== 'histogram') {
    return family.values.map(({ labels = {}, value }) => line(name, labels, value)).join('');
  }
  return family.values.map((value) => histogramLines(name, value)).join('');
}

function histogramLines(name: string, { labels, count, sum, within }: HistogramValue): string {
  return [
    ...within.map((bucket) => line(`${name}_bucket`, { ...labels, le: String(bucket.le) }, bucket.count)),
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    line(`${name}_sum`, labels, sum),
    line(`${name}_count`, labels, count),
  ].join('');
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${labelText(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

function helpText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function labelText(text: string): string {
  return helpText(text).replaceAll('"', '\\"');
}
