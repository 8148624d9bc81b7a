/** Runs in words, and the chart of the recent ones. */
import type { Run, RunProgress } from '../api/types.ts';
import { formatBytes, formatCount, formatDuration } from './format.ts';

export type RunStatus = Run['status'];
export type Tone = 'bad' | 'warn' | 'good' | 'quiet' | 'busy';

export const RUN_STATUS: Readonly<Record<RunStatus, { readonly label: string; readonly tone: Tone }>> = {
  failed: { label: 'Failed', tone: 'bad' },
  partial: { label: 'Partly failed', tone: 'bad' },
  refused: { label: 'Refused', tone: 'warn' },
  running: { label: 'Running', tone: 'busy' },
  queued: { label: 'Queued', tone: 'quiet' },
  succeeded: { label: 'Succeeded', tone: 'good' },
  planned: { label: 'Preview', tone: 'quiet' },
};

export function isRunStatus(text: string | undefined): text is RunStatus {
  return text !== undefined && Object.hasOwn(RUN_STATUS, text);
}

export const RUN_KINDS: Readonly<Record<string, string>> = {
  sync: 'Sync',
  apply: 'Plan carried out',
  survey: 'Survey',
  reconcile: 'Reconciliation',
  moves: 'Renames',
  status: 'Status',
  verify: 'Check of bytes',
  reupload: 'Re-upload',
  upload: 'Upload of files',
  download: 'Download of files',
  remove: 'Removal of objects',
};

export function kindLabel(kind: string): string {
  return RUN_KINDS[kind] ?? kind;
}

export function isOver(status: RunStatus): boolean {
  return status !== 'running' && status !== 'queued';
}

/** What a run was over. */
export function scopeLabel(
  { album, libraryId }: Pick<Run, 'album' | 'libraryId'>,
  names: ReadonlyMap<string, string>,
): string {
  if (libraryId === null) return 'All libraries';
  const name = names.get(libraryId) ?? 'a library';
  return album === null ? name : `${name}: ${album === '.' ? 'root' : album}`;
}

export function runMs(run: Pick<Run, 'startedAt' | 'finishedAt'>, nowMs: number): number {
  return Math.max(0, (run.finishedAt === null ? nowMs : Date.parse(run.finishedAt)) - Date.parse(run.startedAt));
}

export interface Bar {
  readonly run: Run;
  /** Of the chart's height, 0 to 1. */
  readonly height: number;
  readonly title: string;
}

/** The shortest bar there is: a run that was over at once is still one. */
const LEAST_BAR = 0.06;

/** The runs that had an end, oldest first, as tall as they took long; of equal steps a tenfold, since they differ by so much. */
export function runBars(runs: readonly Run[], names: ReadonlyMap<string, string>): Bar[] {
  const ended = runs.filter(({ finishedAt, status }) => finishedAt !== null && isOver(status)).toReversed();
  const longest = Math.max(1, ...ended.map((run) => runMs(run, 0)));
  return ended.map((run) => {
    const ms = runMs(run, 0);
    const height = Math.max(LEAST_BAR, Math.log10(1 + ms) / Math.log10(1 + longest));
    const title = `${kindLabel(run.kind)} of ${scopeLabel(run, names)}: ${RUN_STATUS[run.status].label.toLowerCase()}, ${formatDuration(ms)}`;
    return { run, height, title };
  });
}

/** 0 to 1; null: nobody knows yet. */
export function progressShare({ actions, bytes, parts, partCounts }: RunProgress): number | null {
  const ofParts = parts.length === 0 ? null : partsShare(partCounts);
  if (bytes.total !== null && bytes.total > 0) return Math.min(1, bytes.done / bytes.total);
  if (actions.total !== null && actions.total > 0) return Math.min(1, actions.done / actions.total);
  return ofParts;
}

/** Of one part; null: it goes, and nobody knows how far. */
export function partShare({ status, actions, bytes }: RunProgress['parts'][number]): number | null {
  if (status === 'queued') return 0;
  if (status !== 'running') return 1;
  if (bytes.total !== null && bytes.total > 0) return Math.min(1, bytes.done / bytes.total);
  return actions.total !== null && actions.total > 0 ? Math.min(1, actions.done / actions.total) : null;
}

function partsShare(counts: RunProgress['partCounts']): number | null {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const open = (counts['queued'] ?? 0) + (counts['running'] ?? 0);
  return total === 0 ? null : (total - open) / total;
}

/** `12 of 40 files · 3.1 files/s · 4.2 MB/s · 9 s to go` */
export function progressWords(told: RunProgress): string[] {
  if (told.status === 'queued') return ['Waiting for its turn'];
  const { actions, scanned, filesPerSecond, bytesPerSecond, keysPerSecond, etaSeconds } = told;
  if (told.phase === 'scanning' && actions.total === null) {
    return [
      `${formatCount(scanned)} photos compared`,
      ...(keysPerSecond ? [`${formatCount(Math.round(keysPerSecond))} photos/s`] : []),
    ];
  }
  const files =
    actions.total === null
      ? `${formatCount(actions.done)} files`
      : `${formatCount(actions.done)} of ${formatCount(actions.total)} files`;
  return [
    files,
    ...(filesPerSecond === null ? [] : [`${filesPerSecond.toFixed(1)} files/s`]),
    ...(bytesPerSecond === null ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ...(etaSeconds === null ? [] : [`${formatDuration(etaSeconds * 1000)} to go`]),
  ];
}
