/** How far a run is, as a person or a program sees it. */
import { type Pace, paceMeter } from '../sync/pace.ts';
import type { Clock } from '../sync/ports.ts';
import type { Progress } from '../sync/service.ts';
import { jsonLine } from './json-lines.ts';
import type { Screen } from './screen.ts';
import { bytes, clock, columnsOf, count, cutStart, oneLine, printable } from './text.ts';

/** `Syncing photos: 123/1,000 files, 45.2 MB/310.4 MB, 56 files/s, 12.3 MB/s, ETA 0:21`. */
export function progressText(progress: Progress, pace: Pace, doing = 'Syncing'): string {
  const name = printable(progress.library);
  if (progress.phase === 'scanning') {
    const rate = pace.keysPerSecond === null ? '' : `, ${count(Math.round(pace.keysPerSecond))} files/s`;
    return `Comparing ${name}: ${count(progress.scanned)} files${rate}`;
  }
  const { actions, bytes: size } = progress;
  const parts = [`${count(actions.done)}${actions.total === null ? '' : `/${count(actions.total)}`} files`];
  // Renames and copies on the server carry no bytes.
  const carries = size.total === null || size.total > 0;
  if (carries) {
    parts.push(size.total === null ? bytes(size.done) : `${bytes(size.done)}/${bytes(size.total)}`);
  }
  if (pace.filesPerSecond !== null) parts.push(`${filesRate(pace.filesPerSecond)} files/s`);
  if (carries && pace.bytesPerSecond !== null) parts.push(`${bytes(Math.round(pace.bytesPerSecond))}/s`);
  if (pace.etaSeconds !== null) parts.push(`ETA ${clock(pace.etaSeconds)}`);
  return `${doing} ${name}: ${parts.join(', ')}`;
}

function filesRate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond));
}

/** The text and as much of the last path's end as still fits into so many columns. */
export function progressLine(text: string, lastPath: string | null, columns: number): string {
  const left = columns - columnsOf(text) - 2;
  if (lastPath === null || left < 8) return text;
  return `${text}  ${cutStart(oneLine(lastPath), left)}`;
}

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5_000;
const JSON_LINE_MS = 1_000;

/**
 * Shows progress the way this screen can: a live line, plain lines now and then, or JSON lines. `doing` is what is said to
 * be done.
 */
export function showProgress(screen: Screen, json: boolean, now: Clock, doing?: string): (progress: Progress) => void {
  const pace = paceMeter(now);
  const show = json ? jsonProgress(screen) : personProgress(screen, doing);
  const everyMs = json ? JSON_LINE_MS : screen.liveColumns() === null ? PLAIN_LINE_MS : REDRAW_MS;
  // The first plain line waits its time too: a run that is over by then needs none.
  let shownAtMs = json || screen.liveColumns() !== null ? Number.NEGATIVE_INFINITY : now();
  let phase = '';
  return (progress) => {
    const measured = pace(progress);
    const newPhase = `${progress.runId}/${progress.phase}` !== phase;
    phase = `${progress.runId}/${progress.phase}`;
    if (now() - shownAtMs < everyMs && !(json && newPhase)) return;
    shownAtMs = now();
    show(progress, measured);
  };
}

function jsonProgress(screen: Screen) {
  return (progress: Progress, pace: Pace) => screen.print(jsonLine({ type: 'progress', ...progress, ...pace }));
}

function personProgress(screen: Screen, doing: string | undefined) {
  return (progress: Progress, pace: Pace) => {
    const columns = screen.liveColumns();
    if (progress.phase === 'done') {
      screen.live(null);
    } else if (columns === null) {
      screen.say(progressText(progress, pace, doing));
    } else {
      screen.live(progressLine(progressText(progress, pace, doing), progress.lastPath, columns));
    }
  };
}
