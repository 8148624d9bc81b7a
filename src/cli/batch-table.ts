/** What came of each line of the config file, and the table of all of them. Pure. */
import { type ErrorCode, ExitCode } from '../errors.ts';
import type { Report } from '../sync/types.ts';
import { exitCodeOf } from './exit-code.ts';
import { actionsText } from './report.ts';
import type { Paint, Style } from './screen.ts';
import type { Target } from './targets-file.ts';
import { columnsOf, count, cutEnd, cutStart, duration, oneLine, padded, printable } from './text.ts';

/** What came of one line. */
export interface Outcome {
  readonly line: number;
  /** Null: the line is bad. */
  readonly target: Target | null;
  /** `bad line`: it names no target. `not run`: the batch was stopped before its turn. */
  readonly status: Report['status'] | 'stopped' | 'bad line' | 'not run';
  readonly exitCode: ExitCode;
  /** Null: there was no run, or it left none. */
  readonly report: Report | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

/** Of a run that ended with a report. */
export function outcomeOf(target: Target, report: Report): Outcome {
  const status = report.error?.code === 'CANCELLED' ? 'stopped' : report.status;
  return { line: target.line, target, status, exitCode: exitCodeOf(report), report, error: report.error ?? null };
}

/** The worst of all: codes are numbered from all well to out of reach. */
export function worstExitCode(outcomes: readonly Outcome[]): ExitCode {
  return outcomes.reduce<ExitCode>((worst, { exitCode }) => (exitCode > worst ? exitCode : worst), ExitCode.ok);
}

const STYLES: Readonly<Record<Outcome['status'], Style>> = {
  succeeded: 'green',
  planned: 'bold',
  partial: 'yellow',
  stopped: 'yellow',
  'not run': 'yellow',
  refused: 'red',
  failed: 'red',
  'bad line': 'red',
};

export function statusStyle(status: Outcome['status']): Style {
  return STYLES[status];
}

const HEAD = ['Line', 'Status', 'Folder', 'To', 'Result'] as const;
/** Folder and place take no more columns than this, and less on a narrow terminal. */
const WIDEST_NAME = 40;
const NARROWEST_NAME = 16;
const GAP = 2;
/** What the last column should have left: enough for a few counts. */
const RESULT = 40;

/** The table of all lines; `columns` is the terminal's width, null: nothing is cut at it. */
export function tableLines(outcomes: readonly Outcome[], columns: number | null, paint: Paint): string[] {
  const rows = outcomes.map((outcome) => ({ style: STYLES[outcome.status], cells: cellsOf(outcome) }));
  const natural = HEAD.map((head, i) => Math.max(...[head, ...rows.map(({ cells }) => cells[i] ?? '')].map(columnsOf)));
  const [line = 0, status = 0, folder = 0, place = 0] = natural;
  const left = columns === null ? WIDEST_NAME * 2 : columns - line - status - RESULT - 4 * GAP;
  const most = Math.min(WIDEST_NAME, Math.max(NARROWEST_NAME, Math.floor(left / 2)));
  const widths = [line, status, Math.min(folder, most), Math.min(place, most)];
  const result = columns === null ? null : columns - widths.reduce((sum, width) => sum + width + GAP, 0);
  const laid = (cells: readonly string[], style: Style) => {
    const [number = '', word = '', from = '', to = '', text = ''] = cells;
    const cut = result === null ? text : cutEnd(text, Math.max(result, NARROWEST_NAME));
    const names = [from, to].map((name, i) => padded(cutStart(name, widths[i + 2] ?? 0), widths[i + 2] ?? 0));
    const parts = [number.padStart(line), paint(style, padded(word, status)), ...names, cut];
    return parts.join(' '.repeat(GAP)).trimEnd();
  };
  return [paint('dim', laid(HEAD, 'dim')), ...rows.map(({ cells, style }) => laid(cells, style))];
}

function cellsOf({ line, target, status, report, error }: Outcome): string[] {
  const names = target === null ? ['', ''] : [printable(target.written), placeOf(target)];
  // A bad line has nothing but what is wrong with it.
  const result = target === null ? oneLine(error?.message ?? '') : resultText({ report, error });
  return [String(line), status, ...names, result];
}

/** Why it went wrong, if it did; then what was done all the same, and how long that took. */
export function resultText({ report, error }: Pick<Outcome, 'report' | 'error'>): string {
  const why = error === null ? '' : `${error.code}: ${oneLine(error.message)}`;
  if (report === null) return why;
  const { lost } = report.photos;
  const did = [lost > 0 ? `${count(lost)} LOST` : '', actionsText(report.actions)].filter(Boolean).join(', ');
  if (error !== null && did === '') return why;
  return [did || 'nothing to do', duration(report.durationMs), why].filter((part) => part !== '').join(', ');
}

/** `s3://bucket/prefix/`, safe to print. */
export function placeOf({ bucket, prefix }: Target): string {
  return printable(`s3://${bucket}/${prefix}`);
}
