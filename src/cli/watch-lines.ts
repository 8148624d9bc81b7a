/** What a watching sync tells of its runs: a line for each that did something. Pure. */
import type { RollcallError } from '../errors.ts';
import { NO_ACTIONS } from '../sync/tally.ts';
import type { Library, Report } from '../sync/types.ts';
import { actionsText, bytesText } from './report.ts';
import { duration, oneLine, printable } from './text.ts';

/** What was told of a library, so that what is the same pass after pass is told once. */
export interface WatchMemory {
  warnings: string;
  /** Photos that were left alone, failed or were still changing. */
  troubles: string;
  /** Code of the failure that runs have ended in since one succeeded. */
  failure: string;
}

export function newMemory(): WatchMemory {
  return { warnings: '', troubles: '', failure: '' };
}

/** The lines of a run's report: what to read first, then what was done. None if there is nothing new to say. */
export function runLines(library: Library, album: string | null, report: Report, memory: WatchMemory): string[] {
  const name = nameOf(library, album);
  return [...newWarnings(album, report, memory), ...news(report, album, memory)].map((text) => `${name}: ${text}`);
}

/**
 * The line of a run that failed as a whole (library null: before there was one); none if those before failed with
 * the same code.
 */
export function failureLines(library: Library | null, error: RollcallError, memory: WatchMemory): string[] {
  if (error.code === memory.failure) return [];
  memory.failure = error.code;
  const name = library === null ? 'rollcall' : printable(library.name);
  return [`${name}: ${oneLine(error.message)} (${error.code})`];
}

function nameOf({ name }: Library, album: string | null): string {
  return printable(album === null || album === '.' ? name : `${name}, ${album}`);
}

function newWarnings(album: string | null, { warnings, failures }: Report, memory: WatchMemory): string[] {
  const [first] = failures;
  const lines = [...warnings, ...(first ? [`${first.path}: ${first.message}`] : [])].map(oneLine);
  const text = lines.join('\n');
  // An album's run says nothing of what the others have to warn of.
  if (album !== null) return lines;
  const isNew = text !== memory.warnings;
  memory.warnings = text;
  return isNew ? lines : [];
}

/** `3 uploaded, 1 downloaded (48.2 MB uploaded, 0.8 s)`; photos that were left as they are go without saying. */
function news(report: Report, album: string | null, memory: WatchMemory): string[] {
  const { actions, bytes, durationMs } = report;
  const recovered = memory.failure !== '' && report.status === 'succeeded';
  if (recovered) memory.failure = '';
  const { conflicts, unstable, failed, adopted, skipped: _skipped, updated: _updated, ...done } = actions;
  const did = [actionsText({ ...NO_ACTIONS, ...done }), adopted > 0 ? `${adopted} adopted` : ''].filter(Boolean);
  const troubles = actionsText({ ...NO_ACTIONS, conflicts, unstable, failed });
  const same = troubles === '' || (album === null && troubles === memory.troubles);
  if (album === null) memory.troubles = troubles;
  if (did.length === 0 && same) return recovered ? ['works again'] : [];
  const took = [bytesText(bytes), duration(durationMs)].filter(Boolean).join(', ');
  return [`${[...did, troubles].filter(Boolean).join(', ')} (${took})`];
}
