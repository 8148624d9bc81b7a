/** How far a run is that may be made of others: its parts' counts, added up. Pure. */
import type { RunView } from './run-history.ts';
import type { Progress } from './service.ts';
import type { Report } from './types.ts';

/** A run or a part of one, as the history has it. Times are milliseconds since 1970. */
export interface RunNode {
  readonly id: string;
  readonly parentId: string | null;
  /** A library's name. */
  readonly library: string | null;
  readonly album: string | null;
  readonly status: RunView['status'];
  readonly progress: Progress | null;
  /** What it had done when it ended. */
  readonly counts: Pick<Report, 'actions' | 'bytes' | 'photos'> | null;
  readonly cancelled: boolean;
  readonly startedMs: number;
  /** When it was last heard of, and when what was heard then was heard first. */
  readonly heardMs: number;
  readonly changedMs: number;
}

/** An album's turn in a library's run. */
export interface TaskNode {
  readonly id: string;
  /** The library's run. */
  readonly runId: string;
  /** Null: the library as a whole. */
  readonly album: string | null;
  readonly status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly changedMs: number;
}

type HowMuch = Progress['actions'];

/** A run that is a part of another, or an album whose turn has not come. */
export interface RunPart {
  /** Its latest run; null: there was none yet. */
  readonly runId: string | null;
  readonly library: string | null;
  /** Null: the library as a whole. */
  readonly album: string | null;
  readonly status: RunView['status'] | 'cancelled';
  readonly scanned: number;
  readonly actions: HowMuch;
  readonly bytes: HowMuch;
}

/** How far a run is, its parts included. */
export interface RunState extends Omit<Progress, 'phase'> {
  readonly status: RunView['status'];
  /** Its end was asked for. */
  readonly cancelled: boolean;
  readonly phase: Progress['phase'] | 'queued';
  /** Empty for a run that is not made of others. */
  readonly parts: readonly RunPart[];
  /** Milliseconds since 1970, by the database's clock: when anything was heard of it, and when anything changed. */
  readonly heardMs: number;
  readonly changedMs: number;
}

/** Has it ended? */
export function isOver(status: RunView['status']): boolean {
  return status !== 'queued' && status !== 'running';
}

/** The state of the run `id` among these nodes; null: it is not among them. */
export function stateOf(id: string, nodes: readonly RunNode[], tasks: readonly TaskNode[]): RunState | null {
  const root = nodes.find((node) => node.id === id);
  if (root === undefined) return null;
  const whole = new Set([...nodes.map(({ parentId }) => parentId), ...tasks.map(({ runId }) => runId)]);
  const made = whole.has(id);
  const leaves = made ? nodes.filter((node) => !whole.has(node.id) && node.id !== id) : [root];
  const parts = made ? partsOf(nodes, leaves, tasks) : [];
  const counted = made ? parts : [partOf([root])];
  const albums = leaves.flatMap(albumPartsOf);
  const latest = newest(
    leaves.filter(({ status }) => status === 'running'),
    ({ changedMs }) => changedMs,
  );
  return {
    runId: id,
    library: root.library ?? latest?.library ?? '',
    status: root.status,
    cancelled: root.cancelled,
    phase: phaseOf(root, leaves),
    scanned: scannedOf(counted),
    actions: sumOf(counted.map(({ actions }) => actions)),
    bytes: sumOf(counted.map(({ bytes }) => bytes)),
    lastPath: latest?.progress?.lastPath ?? null,
    parts: [...parts, ...albums],
    heardMs: latestOf(nodes.map(({ heardMs }) => heardMs)),
    changedMs: Math.max(
      latestOf(nodes.map(({ changedMs }) => changedMs)),
      latestOf(tasks.map(({ changedMs }) => changedMs)),
    ),
  };
}

/** Where a library is looked at as a whole and then album by album, each photo counts once. */
function scannedOf(parts: readonly RunPart[]): number {
  const spread = new Set(parts.flatMap(({ library, album }) => (album === null ? [] : [library])));
  return sum(parts.map(({ library, album, scanned }) => (album === null && spread.has(library) ? 0 : scanned)));
}

function phaseOf(root: RunNode, leaves: readonly RunNode[]): RunState['phase'] {
  if (isOver(root.status)) return 'done';
  if (root.status === 'queued') return 'queued';
  const phases = leaves.flatMap(({ status, progress }) =>
    status === 'running' ? [progress?.phase ?? 'scanning'] : [],
  );
  if (phases.includes('working')) return 'working';
  return leaves.some(({ status }) => isOver(status)) ? 'working' : 'scanning';
}

/** One for each album of each library, whatever it took, in the order of their names. */
function partsOf(nodes: readonly RunNode[], leaves: readonly RunNode[], tasks: readonly TaskNode[]): RunPart[] {
  const libraries = new Map(nodes.map(({ id, library }) => [id, library]));
  const turns = new Map(tasks.map((task) => [nameOf(libraries.get(task.runId) ?? null, task.album), task]));
  const runs = Map.groupBy(leaves, ({ library, album }) => nameOf(library, album));
  return [...new Set([...turns.keys(), ...runs.keys()])].sort().map((name) => {
    const turn = turns.get(name);
    return partOf(runs.get(name) ?? [], turn, turn && libraries.get(turn.runId));
  });
}

/** Of a run over a whole library, by itself: its albums as it tells of them. */
function albumPartsOf({ id, library, album, status, progress }: RunNode): RunPart[] {
  if (isOver(status) || album !== null) return [];
  return (progress?.albums ?? []).map(({ album: path, actions, failed }) => {
    const ended = failed > 0 ? 'partial' : 'succeeded';
    return {
      ...{ runId: id, library, album: path, scanned: 0, actions, bytes: { done: 0, total: 0 } },
      status: actions.done === 0 ? 'queued' : actions.done < actions.total ? 'running' : ended,
    };
  });
}

/** Different for any two; a library comes after its albums. */
function nameOf(library: string | null, album: string | null): string {
  return `${library ?? ''}\0${album ?? '\uffff'}`;
}

/** Its tries added up: what an earlier one did stays done. Between two of them it is the turn that has a status. */
function partOf(tries: readonly RunNode[], turn?: TaskNode, library: string | null = null): RunPart {
  const latest = newest(tries, ({ startedMs }) => startedMs);
  return {
    runId: latest?.id ?? null,
    library: library ?? latest?.library ?? null,
    album: turn?.album ?? latest?.album ?? null,
    status: statusOf(latest?.status, turn?.status),
    scanned: latest === undefined ? 0 : countsOf(latest).scanned,
    actions: latest === undefined ? UNKNOWN : sumOf(tries.map((node) => countsOf(node).actions)),
    bytes: latest === undefined ? UNKNOWN : sumOf(tries.map((node) => countsOf(node).bytes)),
  };
}

function statusOf(run: RunView['status'] | undefined, turn: TaskNode['status'] | undefined): RunPart['status'] {
  switch (turn) {
    case 'done':
      return run ?? 'succeeded';
    case 'failed':
      return run === undefined || run === 'running' ? 'failed' : run;
    case undefined:
      return run ?? 'queued';
    default:
      return turn;
  }
}

const UNKNOWN: HowMuch = { done: 0, total: null };

function countsOf({ status, progress, counts }: RunNode): { scanned: number; actions: HowMuch; bytes: HowMuch } {
  if (!isOver(status)) {
    return {
      scanned: progress?.scanned ?? 0,
      actions: progress?.actions ?? UNKNOWN,
      bytes: progress?.bytes ?? UNKNOWN,
    };
  }
  if (counts === null) return { scanned: 0, actions: { done: 0, total: 0 }, bytes: { done: 0, total: 0 } };
  const done = sum(Object.values(counts.actions)) - counts.actions.skipped;
  const moved = counts.bytes.uploaded + counts.bytes.downloaded;
  const { new: fresh, existing, orphaned, untracked } = counts.photos;
  return {
    scanned: fresh + existing + orphaned + untracked,
    actions: { done, total: done },
    bytes: { done: moved, total: moved },
  };
}

/** The sum of what is done; of the totals only if all are known. */
function sumOf(parts: readonly HowMuch[]): HowMuch {
  const totals = parts.map(({ total }) => total);
  return {
    done: sum(parts.map(({ done }) => done)),
    total: totals.every((total) => total !== null) ? sum(totals) : null,
  };
}

function latestOf(times: readonly number[]): number {
  return times.reduce((latest, time) => Math.max(latest, time), 0);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

function newest<Item>(items: readonly Item[], timeOf: (item: Item) => number): Item | undefined {
  return items.reduce<Item | undefined>(
    (latest, item) => (latest === undefined || timeOf(item) > timeOf(latest) ? item : latest),
    undefined,
  );
}
