/** The circumstances that a golden scenario may name under Given, and how each is brought about. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Fault, SeenRequest } from './fault-proxy.ts';
import { PREFIX } from './golden-words.ts';
import type { World } from './world.ts';

/** What holds for the time of the scenario. */
export interface Staged {
  /** Runs something under the scenario's circumstances. */
  within<Answer>(work: () => Promise<Answer>): Promise<Answer>;
  close(): Promise<void>;
}

/** Of root, who reads what nobody may. */
const NOBODY = 65_534;

type Undo = () => void | Promise<void>;

interface Effect {
  readonly asNobody?: true;
  readonly fault?: (request: SeenRequest) => Fault | null;
  /** Brought about for each run only: afterwards it is looked what each side holds. */
  readonly during?: () => Undo;
  readonly undo?: Undo;
}

type Circumstance = readonly [RegExp, (world: World, named: string) => Effect | Promise<Effect>];

const DENIED: Fault = {
  kind: 'answer',
  status: 403,
  body: '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>',
};
const isListing = ({ query }: SeenRequest): boolean => query.get('list-type') === '2' && query.get('max-keys') !== '1';

/** The sentences that a scenario may have under Given. */
const CIRCUMSTANCES: readonly Circumstance[] = [
  [
    /^the library excludes (.+)$/,
    async (world, named) => {
      await world.catalog.libraries.update(world.library.id, { excludes: named.split(' and ') });
      return {};
    },
  ],
  [/^the library's folder is missing$/, (world) => replaceRoot(world, () => {})],
  [/^the library's folder is empty$/, (world) => replaceRoot(world, (root) => mkdirSync(root))],
  [/^the library's folder is a file$/, (world) => replaceRoot(world, (root) => writeFileSync(root, ''))],
  [/^the library's folder may not be read$/, (world) => locked(world.root)],
  [/^the folder (.+) may not be read$/, (world, named) => locked(join(world.root, named))],
  [/^the folder (.+) is a link out of the library$/, (world, named) => linkedAway(join(world.root, named))],
  [/^the bucket may not be listed$/, () => ({ fault: (request) => (isListing(request) ? DENIED : null) })],
  [/^the listing breaks off after (\d+) objects?$/, (_, count) => ({ fault: brokenListing(Number(count)) })],
  [/^the listing comes out of order$/, () => ({ fault: (request) => (isListing(request) ? REVERSED : null) })],
  [
    /^the object of (.+) may not be looked at$/,
    (_, named) => ({ fault: ({ method, path }) => (method === 'HEAD' && path.endsWith(`/${named}`) ? DENIED : null) }),
  ],
  [
    /^the object of (.+) may not be written$/,
    (_, named) => ({ fault: ({ method, path }) => (method === 'PUT' && path.endsWith(`/${named}`) ? DENIED : null) }),
  ],
  [
    /^somebody else writes "theirs" to (.+) right before it is uploaded$/,
    (world, named) => ({
      fault: ({ method, path }) =>
        method === 'PUT' && path.endsWith(`/${named}`)
          ? { kind: 'after', first: () => world.put(PREFIX + named, 'theirs') }
          : null,
    }),
  ],
  [
    /^another run is syncing the library$/,
    async (world) => {
      const signal = AbortSignal.timeout(150_000);
      const lock = await world.catalog.port.lock({ library: world.library, album: null }, signal);
      return { undo: () => lock.release() };
    },
  ],
];

/** Throws for a sentence that nobody knows. */
export async function circumstances(world: World, given: readonly string[]): Promise<Staged> {
  const effects: Effect[] = [];
  for (const sentence of given) {
    const known = CIRCUMSTANCES.find(([pattern]) => pattern.test(sentence));
    if (known === undefined) throw new Error(`nobody knows how to bring this about: ${sentence}`);
    effects.push(await known[1](world, known[0].exec(sentence)?.[1] ?? ''));
  }
  const faults = effects.flatMap(({ fault }) => fault ?? []);
  const asNobody = effects.some((effect) => effect.asNobody);
  return {
    within: async (work) => {
      world.proxy.fail((request) => faults.map((fault) => fault(request)).find((fault) => fault !== null) ?? null);
      const undos = effects.map(({ during }) => during?.());
      try {
        return await (asNobody ? withoutRoot(world, work) : work());
      } finally {
        for (const undo of undos) await undo?.();
        world.proxy.reset();
      }
    },
    close: async () => {
      for (const { undo } of effects.toReversed()) await undo?.();
    },
  };
}

function replaceRoot({ root }: World, make: (root: string) => void): Effect {
  rmSync(root, { recursive: true });
  make(root);
  return { undo: () => rmSync(root, { recursive: true, force: true }) };
}

/** A file system that denies root nothing: while the run goes, this process is nobody. */
function locked(folder: string): Effect {
  const during = () => {
    chmodSync(folder, 0o000);
    return () => chmodSync(folder, 0o755);
  };
  return { asNobody: true, during };
}

function linkedAway(folder: string): Effect {
  const elsewhere = mkdtempSync(join(tmpdir(), 'rollcall-elsewhere-'));
  rmSync(folder, { recursive: true, force: true });
  symlinkSync(elsewhere, folder);
  return {
    undo: () => {
      rmSync(folder);
      rmSync(elsewhere, { recursive: true });
    },
  };
}

async function withoutRoot<Answer>(world: World, work: () => Promise<Answer>): Promise<Answer> {
  const { seteuid, setegid } = process;
  if (process.geteuid?.() !== 0 || seteuid === undefined || setegid === undefined) return work();
  openToAll(dirname(world.root), [world.root]);
  if (world.s3.dir !== undefined) openToAll(world.s3.dir, []);
  setegid(NOBODY);
  seteuid(NOBODY);
  try {
    return await work();
  } finally {
    seteuid(0);
    setegid(0);
  }
}

function openToAll(folder: string, but: readonly string[]): void {
  chmodSync(folder, 0o777);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (but.includes(path)) continue;
    if (entry.isDirectory()) openToAll(path, but);
    else chmodSync(path, 0o666);
  }
}

/** The first objects of a listing, as a server with small pages tells them; the next page is denied. */
function brokenListing(count: number): (request: SeenRequest) => Fault | null {
  return (request) => {
    if (!isListing(request)) return null;
    if (request.query.has('continuation-token')) return DENIED;
    return { kind: 'rewrite', body: (xml) => firstOf(xml, count) };
  };
}

const entriesOf = (xml: string): string[] => xml.match(/<Contents>.*?<\/Contents>/gs) ?? [];

function firstOf(xml: string, count: number): string {
  const [head = ''] = xml.split('<Contents>');
  const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>two</NextContinuationToken></ListBucketResult>';
  return head.replace('<IsTruncated>false</IsTruncated>', '') + entriesOf(xml).slice(0, count).join('') + more;
}

const REVERSED: Fault = {
  kind: 'rewrite',
  body: (xml) => {
    const entries = entriesOf(xml);
    return xml.replace(entries.join(''), entries.toReversed().join(''));
  },
};
