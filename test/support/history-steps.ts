/** Steps of a library's history, and arbitrary ones of them. */
import fc from 'fast-check';
import type { SyncRequest } from '../../src/sync/service.ts';
import { BUCKET_FAULT_NAMES, PASSING_FAULTS } from './bucket-faults.ts';
import type { DiskFault } from './disk-faults.ts';

/** What somebody does to the disk or the bucket. `which` counts among the photos that are there. */
export type Change =
  | { readonly do: 'write' | 'picture' | 'put'; readonly to: string; readonly length: number }
  /** Another file of this name; the same file with other bytes, or more of them; other bytes on both sides. */
  | { readonly do: 'save anew' | 'edit' | 'extend' | 'contend'; readonly which: number; readonly length: number }
  | { readonly do: 'touch' | 'remove' | 'remove object' | 'put the same' | 'put a part'; readonly which: number }
  | { readonly do: 'rename' | 'copy'; readonly which: number; readonly to: string }
  | { readonly do: 'swap'; readonly which: number; readonly other: number };

/** What becomes of the catalog: some rows are lost, or all, or the database is another one. */
export type Loss = {
  readonly do: 'forget';
  readonly what: 'some rows' | 'all rows' | 'the database';
  readonly which: number;
};

export type Trouble =
  | { readonly kind: 'none' }
  /** Of the bucket: a mixture that passes, or of everything. */
  | { readonly kind: 'bucket'; readonly percent: number; readonly of: 'passing' | 'any'; readonly seed: number }
  /** Somebody stops the run when it sends this request. */
  | { readonly kind: 'stopped'; readonly request: number }
  /** From this request on the run can reach neither bucket nor database, as if its process had died. */
  | { readonly kind: 'dead'; readonly request: number; readonly unanswered: boolean }
  /** Other transactions are in the way of so many writes; or its connections are killed at this request. */
  | { readonly kind: 'deadlocks' | 'serialisation'; readonly writes: number }
  | { readonly kind: 'connections'; readonly request: number }
  /** Of the disk: so many of the calls fail. */
  | { readonly kind: 'disk'; readonly percent: number; readonly seed: number }
  /** A process of its own, killed when it sends this request, or so long after that (ms). */
  | { readonly kind: 'killed'; readonly request: number; readonly afterMs: number };

/** Policies, and the setting that goes with them. */
export type Asked = Omit<SyncRequest, 'library' | 'albumId' | 'runId' | 'parentId' | 'kind'> & {
  readonly dedupeCopy: boolean;
};

export type Step =
  | Change
  | Loss
  | { readonly do: 'sync'; readonly asked: Asked; readonly trouble: Trouble }
  | { readonly do: 'pictures'; readonly trouble: Trouble };

export const PLACES = ['a.jpg', 'b.jpg', 'x/a.jpg', 'x/b.jpg', 'x/ü +.jpg', 'y/in/b.jpg'];

const which = fc.nat(30);
const to = fc.constantFrom(...PLACES);
/** Often of one length; now and then there is nothing in a file. */
const length = fc.constantFrom(40, 40, 40, 70, 25, 0);

export const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('write', 'write', 'picture', 'put'), to, length }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('save anew', 'edit', 'edit', 'extend', 'contend'), which, length }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('touch', 'remove', 'remove', 'remove object', 'put the same', 'put a part'),
      which,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('rename', 'rename', 'copy'), which, to }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('swap' as const), which, other: which }) },
) as fc.Arbitrary<Change>;

const loss: fc.Arbitrary<Loss> = fc.record({
  do: fc.constant('forget' as const),
  what: fc.constantFrom('some rows', 'some rows', 'all rows', 'the database'),
  which,
});

/** Every policy that is not refused as contradictory. */
export const asked: fc.Arbitrary<Asked> = fc
  .record({
    direction: fc.constantFrom('up', 'up', 'down', 'both', 'both'),
    compare: fc.constantFrom('existence', 'existence', 'content'),
    overwrite: fc.constantFrom('never', 'known', 'known', 'newer', 'source'),
    orphans: fc.constantFrom('mark', 'download', 'delete'),
    deleteNow: fc.boolean(),
    moves: fc.constantFrom(true, true, false, 'only'),
    dedupeCopy: fc.boolean(),
    album: fc.option(fc.constantFrom('x', 'y', '.'), { nil: undefined, freq: 6 }),
  })
  .map(({ album, ...policy }) => ({
    ...policy,
    maxDelete: '100%',
    ...(album !== undefined && { album }),
    ...(policy.direction === 'down' && { moves: false }),
    ...(policy.direction === 'both' && policy.overwrite === 'source' && { overwrite: 'known' }),
  })) as fc.Arbitrary<Asked>;

const request = fc.integer({ min: 1, max: 25 });
const seed = fc.nat(1_000_000);

const death: fc.Arbitrary<Trouble> = fc.record({
  kind: fc.constant('killed' as const),
  request: fc.integer({ min: 1, max: 10 }),
  afterMs: fc.constantFrom(0, 0, 0, 3, 10, 30),
});

const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'none' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('bucket' as const),
      percent: fc.constantFrom(5, 15, 40),
      of: fc.constantFrom('passing', 'any'),
      seed,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stopped' as const), request }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('dead' as const), request, unanswered: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('deadlocks', 'serialisation'),
      writes: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('connections' as const), request }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('disk' as const), percent: fc.constantFrom(2, 10, 30), seed }),
  },
) as fc.Arbitrary<Trouble>;

const syncs = (of: fc.Arbitrary<Trouble>) => fc.record({ do: fc.constant('sync' as const), asked, trouble: of });

/** With `kills`, some syncs are processes that are killed: slow, and as real as it gets. */
export function steps({ kills }: { readonly kills: boolean }): fc.Arbitrary<Step> {
  return fc.oneof(
    { weight: 10, arbitrary: change },
    { weight: 7, arbitrary: syncs(trouble) },
    { weight: kills ? 5 : 0, arbitrary: syncs(death) },
    { weight: 1, arbitrary: loss },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pictures' as const), trouble }) },
  );
}

/** What a mixture of the bucket's faults is made of. */
export function faultsOf({ of }: Extract<Trouble, { kind: 'bucket' }>) {
  return of === 'passing' ? PASSING_FAULTS : BUCKET_FAULT_NAMES;
}

/** What may fail of a disk: each call by itself, whatever it is of. */
const DISK_CALLS = [
  ['handle.read', 'EIO'],
  ['handle.write', 'ENOSPC'],
  ['handle.sync', 'EIO'],
  ['open', 'EACCES'],
  ['lstat', 'EIO'],
  ['readdir', 'EIO'],
  ['link', 'EIO'],
  ['rename', 'EROFS'],
  ['mkdir', 'ENOSPC'],
] as const;

export function diskFaultsOf({ percent, seed }: Extract<Trouble, { kind: 'disk' }>): DiskFault[] {
  // The root itself stays: without it there is no run to speak of.
  return DISK_CALLS.map(([call, errno]) => ({ call, errno, path: '.', percent, seed }));
}

/** The same as a command; null for what the command line refuses as a contradiction. */
export function argumentsOf(asked: Asked): string[] | null {
  const { direction, compare, overwrite, orphans, deleteNow, moves, album, maxDelete } = asked;
  if (moves === 'only' && orphans === 'delete') return null;
  const policies = { direction, compare, overwrite, moves, album, 'max-delete': maxDelete };
  const flags = Object.entries(policies).flatMap(([name, value]) =>
    value === undefined || (name === 'moves' && direction === 'down') ? [] : [`--${name}`, String(value)],
  );
  return [...flags, ...(orphans === 'delete' && deleteNow ? ['--delete'] : ['--orphans', orphans ?? 'mark'])];
}
