/** How `rollcall batch` tells of its lines: to a person as they end and in a table, to a program as JSON lines. */
import type { ExitCode } from '../errors.ts';
import { type Outcome, placeOf, resultText, statusStyle, tableLines, worstExitCode } from './batch-table.ts';
import { jsonLine } from './json-lines.ts';
import { troubleLines } from './report.ts';
import type { Session } from './session.ts';
import type { LineFault, Target } from './targets-file.ts';
import { counted, printable } from './text.ts';

/** A line that is left out. */
export function tellFault({ options, screen, log }: Session, path: string, { line, message }: LineFault): void {
  log.file.error({ file: path, line }, `line ${line} ${message}`);
  if (options.json) screen.print(jsonLine({ type: 'error', line, code: 'BAD_INPUT', message }));
  screen.say(`${screen.paint.err('red', `${printable(path)}, line ${line}`)} ${message}`);
}

/** `turn`: which of how many. */
export function tellBegin({ options, screen, log }: Session, target: Target, turn: string): void {
  const { line, folder, written } = target;
  log.file.info({ target }, `line ${line} begins`);
  if (options.json) {
    screen.print(jsonLine({ type: 'target', ...placeFields(target), status: 'running' }));
  } else {
    const name = written === folder ? folder : `${written} (${folder})`;
    screen.print(screen.paint.out('bold', `[${turn}] line ${line}: ${printable(name)}, ${placeOf(target)}`));
  }
}

export function tellOutcome({ options, screen, log }: Session, outcome: Outcome): void {
  const { line, status, report } = outcome;
  log.file.info(summaryOf(outcome), `line ${line} ${status}`);
  if (options.json) {
    screen.print(jsonLine({ type: 'target', ...summaryOf(outcome), report }));
    return;
  }
  if (report !== null) for (const text of troubleLines(report, screen.paint.out)) screen.print(text);
  screen.print(`${screen.paint.out(statusStyle(status), status)}: ${resultText(outcome)}`);
  screen.print('');
}

/** The table, the summary in the log, or the last JSON line. Answers the worst exit code. */
export function tellAll(session: Session, path: string, outcomes: readonly Outcome[]): ExitCode {
  const { options, screen, log } = session;
  const exitCode = worstExitCode(outcomes);
  const targets = outcomes.map(summaryOf);
  const well = outcomes.filter((outcome) => outcome.exitCode === 0).length;
  const text = `${well} of ${counted(outcomes.length, 'line')} all well`;
  session.summarise({ file: path, targets });
  log.file.info({}, text);
  if (options.json) {
    screen.print(jsonLine({ type: 'report', file: path, exitCode, targets }));
  } else {
    // Both streams are one terminal, or nothing has to fit.
    const columns = screen.interactive ? screen.liveColumns() : null;
    for (const line of tableLines(outcomes, columns, screen.paint.out)) screen.print(line);
    screen.print(screen.paint.out(exitCode === 0 ? 'green' : 'yellow', text));
  }
  return exitCode;
}

function placeFields({ line, folder, bucket, prefix }: Target) {
  return { line, folder, bucket, prefix };
}

function summaryOf({ line, target, status, exitCode, report, error }: Outcome) {
  const place = target === null ? { folder: null, bucket: null, prefix: null } : placeFields(target);
  const { runId = null, actions = null, bytes = null, durationMs = null } = report ?? {};
  return { line, ...place, status, exitCode, runId, actions, bytes, durationMs, error };
}
