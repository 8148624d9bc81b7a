/**
 * A disk's bad days: Node's own file system calls, in this process and in the threads that walk, fail or are overtaken as
 * a plan says. What calls them is the real code. Loaded into another process by `node --import`, it does so there.
 */
import { createHash } from 'node:crypto';
import fs, { type PathLike } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

/** What is done to a file right before it is read on. */
export type Deed = 'grow' | 'shrink' | 'replace' | 'rewrite' | 'vanish';

export interface DiskFault {
  /** Of Node: `lstat` stands for lstatSync too; of an open file read, write, sync, utimes, stat as `handle.read`, … */
  readonly call: string;
  /** Of the path below the root, as a regular expression. */
  readonly path: string;
  /** How the call fails; or what somebody does before it. */
  readonly errno?: string;
  readonly deed?: Deed;
  /** Only in the threads that walk, or only elsewhere. */
  readonly during?: 'walk' | 'transfer';
  /** Calls that go well first; 0. */
  readonly after?: number;
  /** Calls that it befalls; left out: all. */
  readonly times?: number;
  /** Of the calls, 0 to 100, by chance; left out: all. */
  readonly percent?: number;
  readonly seed?: number;
}

export interface DiskFaultPlan {
  readonly root: string;
  readonly faults: readonly DiskFault[];
}

/** Where the plan is, for this process, its threads and its children. */
const PLAN = 'ROLLCALL_TEST_DISK_FAULTS';
const SELF = fileURLToPath(import.meta.url);
const require = createRequire(import.meta.url);

// The calls as they are, for what must not fail.
const { readFileSync, statSync, readlinkSync, appendFileSync, truncateSync, writeFileSync, renameSync, unlinkSync } =
  fs;

let known: { readonly version: string; readonly plan: DiskFaultPlan | null } = { version: '', plan: null };
const counts = new Map<DiskFault, number>();
const befallen = new Map<DiskFault, Set<string>>();

function planNow(): DiskFaultPlan | null {
  const file = process.env[PLAN];
  const stats = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false, bigint: true });
  const version = stats === undefined ? '' : `${stats.mtimeNs} ${stats.ino}`;
  if (version !== known.version) {
    known = { version, plan: file && stats ? JSON.parse(readFileSync(file, 'utf8')) : null };
    counts.clear();
    befallen.clear();
  }
  return known.plan;
}

/** Throws, or does what the plan says is done, before a call on this path. */
function meet(call: string, path: string): void {
  const plan = planNow();
  if (plan === null) return;
  const real = resolved(path);
  if (real !== plan.root && !real.startsWith(`${plan.root}/`)) return;
  const relative = real.slice(plan.root.length + 1);
  for (const fault of plan.faults) {
    if (fault.call !== call || !new RegExp(fault.path).test(relative)) continue;
    if (fault.during && (fault.during === 'walk') === isMainThread) continue;
    const nth = (counts.get(fault) ?? 0) + 1;
    counts.set(fault, nth);
    const { after = 0, times = Number.POSITIVE_INFINITY, percent = 100, seed = 0 } = fault;
    if (nth <= after || nth > after + times || chanceOf(`${seed} ${call} ${relative} ${nth}`) * 100 >= percent)
      continue;
    if (fault.deed) doOnce(fault, fault.deed, real);
    if (fault.errno) throw systemError(fault.errno, call, path);
  }
}

function chanceOf(name: string): number {
  return createHash('md5').update(name).digest().readUInt32BE() / 2 ** 32;
}

/** Paths through an open folder are those of the folder. */
function resolved(path: string): string {
  const match = /^\/proc\/self\/fd\/(\d+)(.*)$/.exec(path);
  if (match === null) return path;
  try {
    const below = match[2] === '/.' ? '' : (match[2] ?? '');
    return readlinkSync(`/proc/self/fd/${match[1]}`) + below;
  } catch {
    return path;
  }
}

function doOnce(fault: DiskFault, deed: Deed, path: string): void {
  const done = befallen.get(fault) ?? new Set();
  befallen.set(fault, done);
  if (done.has(path)) return;
  done.add(path);
  const after = afterDeed(deed, readFileSync(path, 'latin1'));
  if (after === null) unlinkSync(path);
  else if (deed === 'grow') appendFileSync(path, after.slice(statSync(path).size), 'latin1');
  else if (deed === 'shrink') truncateSync(path, after.length);
  else if (deed === 'rewrite') writeFileSync(path, after, 'latin1');
  else {
    writeFileSync(`${path}.tmp`, after, 'latin1');
    renameSync(`${path}.tmp`, path);
  }
}

/** What a file holds after it; null: there is none. */
export function afterDeed(deed: Deed, content: string): string | null {
  if (deed === 'vanish') return null;
  if (deed === 'grow') return `${content}, and more`;
  if (deed === 'shrink') return content.slice(0, content.length >> 1);
  return deed === 'replace' ? `instead of ${content}` : content.replaceAll(/[a-m]/g, 'q');
}

function systemError(code: string, syscall: string, path: string): Error {
  const errno = -(constants.errno[code as keyof typeof constants.errno] ?? 1);
  return Object.assign(new Error(`${code}: injected, ${syscall} '${path}'`), { code, errno, syscall, path });
}

type Call = (...args: never[]) => unknown;

/** Puts itself before calls of these names whose first argument is a path. */
function precede(where: Record<string, unknown>, names: readonly string[], nameOf: (name: string) => string): void {
  for (const name of names) {
    const original = where[name] as Call & { native?: Call };
    const async = where === (fs.promises as unknown);
    const wrapped = (...args: never[]) => {
      try {
        meet(nameOf(name), String(args[0]));
      } catch (thrown) {
        if (async) return Promise.reject(thrown);
        throw thrown;
      }
      return original.apply(where, args);
    };
    where[name] = Object.assign(wrapped, original);
  }
}

const ASYNC = [
  'lstat',
  'stat',
  'readdir',
  'opendir',
  'realpath',
  'link',
  'rename',
  'unlink',
  'mkdir',
  'statfs',
  'open',
];
const SYNC = ['lstatSync', 'statSync', 'readdirSync', 'opendirSync'];
const OF_HANDLES = ['read', 'write', 'sync', 'utimes', 'stat'];

/** Puts the faults before the calls of this process, once. Without a plan nothing fails. */
export function faultyDisk(): void {
  const promises = fs.promises as unknown as Record<string, unknown>;
  if (Object.hasOwn(promises, SELF)) return;
  Object.defineProperty(promises, SELF, { value: true });
  precede(promises, ASYNC, (name) => name);
  precede(fs as unknown as Record<string, unknown>, SYNC, (name) => name.slice(0, -'Sync'.length));
  const open = promises['open'] as (path: PathLike, ...rest: unknown[]) => Promise<Record<string, unknown>>;
  promises['open'] = async (path: PathLike, ...rest: unknown[]) => {
    const handle = await open(path, ...rest);
    const at = resolved(String(path));
    for (const name of OF_HANDLES) {
      const original = handle[name] as Call;
      handle[name] = async (...args: never[]) => {
        meet(`handle.${name}`, at);
        return original.apply(handle, args);
      };
    }
    return handle;
  };
  faultyThreads();
  syncBuiltinESMExports();
}

function faultyThreads(): void {
  const threads = require('node:worker_threads') as { Worker: typeof import('node:worker_threads').Worker };
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(file: string | URL, options: import('node:worker_threads').WorkerOptions = {}) {
      super(file, { ...options, execArgv: [...(options.execArgv ?? []), '--import', SELF] });
    }
  };
}

/**
 * Makes, changes and ends the plan of this process, and of children with this environment. To be called before the first
 * walk: its thread is kept for later ones.
 */
export function diskFaults() {
  const folder = fs.mkdtempSync(join(tmpdir(), 'rollcall-disk-faults-'));
  const file = join(folder, 'plan.json');
  process.env[PLAN] = file;
  faultyDisk();
  return {
    environment: { [PLAN]: file, NODE_OPTIONS: `--import=${SELF}` },
    begin(root: string, faults: readonly DiskFault[]): void {
      writeFileSync(`${file}.new`, JSON.stringify({ root, faults } satisfies DiskFaultPlan));
      renameSync(`${file}.new`, file);
    },
    end(): void {
      if (statSync(file, { throwIfNoEntry: false })) unlinkSync(file);
    },
    close(): void {
      delete process.env[PLAN];
      fs.rmSync(folder, { recursive: true });
    },
  };
}

if (process.env[PLAN] !== undefined) faultyDisk();
