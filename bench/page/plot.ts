/** Wall times as bars, each over that of its work's reference; readable on light and dark ground. Pure. */
import type { Comparison } from '../compare/compare.ts';
import { OURS, type Score, wallRatio } from '../compare/work.ts';
import { median } from '../support/statistics.ts';
import { figure } from './tables.ts';

const WIDTH = 860;
const NAMES = 190;
const BARS = 470;
const ROW = 22;
const TITLE = 44;
/** Longer bars are cut off: they would leave the others no room. */
const LONGEST = 2;

// No variables: not everything that shows an SVG knows them.
const STYLE = `
  text { font: 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; }
  text.title { font-weight: 600; font-size: 14px; }
  text.own { font-weight: 600; }
${colours({ ground: '#ffffff', text: '#1f2328', quiet: '#59636e', line: '#8c959f', ours: '#0969da', other: '#a8b1bb' })}
  @media (prefers-color-scheme: dark) {
${colours({ ground: '#0d1117', text: '#e6edf3', quiet: '#9198a1', line: '#6e7681', ours: '#4493f8', other: '#545d68' })}
  }`;

type Colours = Readonly<Record<'ground' | 'text' | 'quiet' | 'line' | 'ours' | 'other', string>>;

function colours({ ground, text, quiet, line, ours, other }: Colours): string {
  return `  .ground { fill: ${ground}; } text { fill: ${text}; } .quiet { fill: ${quiet}; }
  .ours { fill: ${ours}; } .other { fill: ${other}; }
  .one { stroke: ${line}; stroke-dasharray: 3 3; } .cut { stroke: ${ground}; stroke-width: 3; }`;
}

export function plotOf(comparisons: readonly Comparison[]): string {
  let top = 12;
  const groups = comparisons.map((comparison) => {
    const group = groupOf(comparison, top);
    top += TITLE + comparison.scores.length * ROW + 14;
    return group;
  });
  const label = 'Wall times of Rollcall and of what else could be used, each over that of the reference of its work';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-label="${label}">`,
    `<title>${label}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" width="${WIDTH}" height="${top}"/>`,
    ...groups,
    '</svg>\n',
  ].join('\n');
}

function groupOf({ title, reference: asked, scores }: Comparison, top: number): string {
  const reference = scores.some(({ name }) => name === asked) ? asked : OURS;
  const bottom = top + TITLE + scores.length * ROW;
  const one = NAMES + BARS / LONGEST;
  return [
    `<text class="title" x="12" y="${top + 16}">${escaped(title)}</text>`,
    `<text class="quiet" x="${one}" y="${top + 34}" text-anchor="middle">1 = ${escaped(reference)}</text>`,
    ...scores.map((score, i) => rowOf(score, wallRatio(scores, score.name, reference), top + TITLE + i * ROW)),
    `<line class="one" x1="${one}" x2="${one}" y1="${top + 40}" y2="${bottom}"/>`,
  ].join('\n');
}

function rowOf({ name, samples }: Score, ratio: number | null, top: number): string {
  const length = Math.max((Math.min(ratio ?? 0, LONGEST) / LONGEST) * BARS, 1.5);
  const seconds = median(samples.map(({ wallSeconds }) => wallSeconds));
  const ours = name.startsWith(OURS);
  const middle = top + ROW / 2 + 4;
  const cut = NAMES + BARS - 14;
  return [
    `<text x="${NAMES - 10}" y="${middle}" text-anchor="end"${ours ? ' class="own"' : ''}>${escaped(name)}</text>`,
    `<rect class="${ours ? 'ours' : 'other'}" x="${NAMES}" y="${top + 3}" width="${length.toFixed(1)}" height="${ROW - 6}" rx="2"/>`,
    (ratio ?? 0) > LONGEST
      ? `<line class="cut" x1="${cut}" x2="${cut + 6}" y1="${top + ROW - 1}" y2="${top + 1}"/>`
      : '',
    `<text x="${NAMES + BARS + 84}" y="${middle}" text-anchor="end">${figure(seconds)} s</text>`,
    `<text class="quiet" x="${NAMES + BARS + 160}" y="${middle}" text-anchor="end">${ratio === null ? '' : `${figure(ratio)} ×`}</text>`,
  ].join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
