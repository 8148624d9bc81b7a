/** A run's report as a person reads it: what is wrong first, then what was done. Pure. */
import type { Failure, Report } from '../sync/types.ts';
import type { Paint } from './screen.ts';
import { bytes, count, counted, dollars, duration, oneLine, padded, printable } from './text.ts';

/** The lines of a report; `renamesOnly`: the run looked for nothing else. */
export function reportLines(report: Report, paint: Paint, renamesOnly = false): string[] {
  const { new: added, changed, orphaned } = report.photos;
  const others = renamesOnly && added + changed + orphaned > 0;
  return [
    ...troubleLines(report, paint),
    headline(report, paint, renamesOnly),
    ...(others ? ['What is new, edited or gone is left for rollcall sync.'] : []),
    ...table(report, paint),
  ];
}

/** What a person should look at: warnings, then problems and conflicts by code. None if all is well. */
export function troubleLines(report: Report, paint: Paint): string[] {
  return [
    ...alarms(report, paint),
    ...pathLines('problem', report.failures, report.actions.failed, paint),
    ...pathLines('conflict', report.conflicts, report.actions.conflicts, paint),
    ...waitingLines(report.actions.waiting, paint),
  ];
}

/** What to do about archived objects: nothing happens by itself. */
function waitingLines(waiting: number, paint: Paint): string[] {
  if (waiting === 0) return [];
  const line = `${counted(waiting, 'photo')} ${waiting === 1 ? 'waits' : 'wait'} for archived objects.`;
  const next = 'rollcall restore asks for them (it costs money), rollcall restore-status tells how far they are.';
  return [paint('yellow', line), `  ${next}`, ''];
}

/** What to read first; none if there is nothing. */
export function alarms({ warnings }: Report, paint: Paint): string[] {
  if (warnings.length === 0) return [];
  const lines = warnings.map((warning) => {
    const text = oneLine(warning);
    return text.startsWith('LOST') ? paint('bold', paint('red', text)) : paint('yellow', `Warning: ${text}`);
  });
  return [...lines, ''];
}

const PATHS_PER_CODE = 5;

/** Grouped by code, the most frequent first; `total` may be more than are listed. */
function pathLines(what: string, listed: readonly Failure[], total: number, paint: Paint): string[] {
  if (listed.length === 0) return [];
  const byCode = Map.groupBy(listed, (failure) => failure.code);
  const groups = [...byCode].sort(([, a], [, b]) => b.length - a.length);
  const lines = [paint('red', `${counted(Math.max(total, listed.length), what)}:`)];
  for (const [code, members] of groups) {
    lines.push(`  ${code} (${count(members.length)})`);
    for (const { path, message } of members.slice(0, PATHS_PER_CODE)) {
      lines.push(`    ${printable(path)}: ${oneLine(message)}`);
    }
    if (members.length > PATHS_PER_CODE) lines.push(`    … and ${count(members.length - PATHS_PER_CODE)} more`);
  }
  return [...lines, ''];
}

function headline(report: Report, paint: Paint, renamesOnly: boolean): string {
  const took = duration(report.durationMs);
  if (report.error?.code === 'CANCELLED') {
    return paint('yellow', `Stopped after ${took}; the next sync goes on from here.`);
  }
  const why = report.error === undefined ? '' : `: ${oneLine(report.error.message)} (${report.error.code})`;
  const quiet = isQuiet(report);
  switch (report.status) {
    case 'succeeded':
      if (renamesOnly) return paint('green', quiet ? `No renames to carry out (${took}).` : `Renamed in ${took}.`);
      return paint('green', quiet ? `In sync, nothing to do (${took}).` : `Synced in ${took}.`);
    case 'planned':
      if (!quiet) return paint('bold', `Planned in ${took}; nothing was touched.`);
      return paint('bold', `${renamesOnly ? 'No renames to carry out' : 'In sync'} (${took}).`);
    case 'partial':
      return paint('yellow', `Finished in ${took}, but not all of it worked${why}.`);
    case 'refused':
      return paint('red', `Refused, nothing was touched${why}.`);
    case 'failed':
      return paint('red', `Failed after ${took}${why}.`);
  }
}

/** Nothing but photos that were left as they are, and none that a person should look at. */
export function isQuiet({ photos, actions }: Report): boolean {
  return photos.lost === 0 && Object.entries(actions).every(([kind, n]) => n === 0 || kind === 'skipped');
}

function table(report: Report, paint: Paint): string[] {
  const { photos, actions, bytes: size, requests } = report;
  const rows: readonly (readonly [label: string, text: string])[] = [
    ['Photos', listed(photos)],
    [report.status === 'planned' ? 'Would be' : 'Actions', actionsText(actions)],
    ['Bytes', bytesText(size)],
    [
      'Requests',
      `${listed(requests, (name) => name.toUpperCase()) || 'none'} (${dollars(report.cost.usd)})${again(report)}`,
    ],
    ['Run', report.runId],
  ];
  return rows.filter(([, text]) => text !== '').map(([label, text]) => `  ${paint('dim', padded(label, 9))} ${text}`);
}

/** What was tried again is no failure, and told apart from those. */
function again({ retries }: Report): string {
  return retries > 0 ? `, ${retries} tried again` : '';
}

/** Words for the counts whose names alone would not read well. */
const ACTION_WORDS: Readonly<Record<string, string>> = {
  reuploaded: 're-uploaded',
  conflicts: 'in conflict',
  copied: 'copied in the bucket',
  unstable: 'still changing',
  waiting: 'waiting for a restore',
};

/** `13 uploaded, 9 skipped (2 of them adopted)`. */
export function actionsText({ adopted, skipped, ...others }: Report['actions']): string {
  const parts = [listed(others, (name) => ACTION_WORDS[name] ?? name)];
  if (skipped > 0) parts.push(`${count(skipped)} skipped${adopted > 0 ? ` (${count(adopted)} of them adopted)` : ''}`);
  return parts.filter((part) => part !== '').join(', ');
}

/** `48.2 MB uploaded`, `1.2 GB uploaded by an earlier run`; empty if nothing was sent or fetched. */
export function bytesText({ uploaded, downloaded, resumed = 0 }: Report['bytes']): string {
  return [
    uploaded > 0 ? `${bytes(uploaded)} uploaded` : '',
    resumed > 0 ? `${bytes(resumed)} uploaded by an earlier run` : '',
    downloaded > 0 ? `${bytes(downloaded)} downloaded` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** `15 new, 8 existing`: what is not zero, in the order given. */
function listed(counts: Readonly<Record<string, number>>, name: (key: string) => string = (key) => key): string {
  return Object.entries(counts)
    .filter(([, n]) => n > 0)
    .map(([key, n]) => `${count(n)} ${name(key)}`)
    .join(', ');
}
