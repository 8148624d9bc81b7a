/**
 * The situations of test/golden, each by a run of the engine over a real database and a real S3 endpoint. With
 * UPDATE_GOLDEN=1 what is expected is written anew: read it before you commit it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseCommandLine } from '../../src/cli/program.ts';
import { syncJob } from '../../src/cli/sync-arguments.ts';
import { asRollcallError, ERROR_CODES } from '../../src/errors.ts';
import type { Action } from '../../src/sync/actions.ts';
import { bucketSays, type Classified, diskSays, rowSays, TRUTH_TABLE } from '../../src/sync/classify.ts';
import type { SyncRequest } from '../../src/sync/service.ts';
import type { Report, Triple } from '../../src/sync/types.ts';
import type { Staged } from '../support/golden-given.ts';
import { sidesNow } from '../support/golden-sides.ts';
import { parseScenario, printScenario, type Scenario, spelled, table } from '../support/golden-text.ts';
import { placeless } from '../support/golden-words.ts';
import { stage } from '../support/golden-world.ts';
import { createWorld, type World } from '../support/world.ts';

const FOLDER = resolve(import.meta.dirname, '../golden');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.md') && name !== 'README.md');
const UPDATES = process.env['UPDATE_GOLDEN'] === '1';
const live = () => AbortSignal.timeout(150_000);

interface Heard {
  readonly triple: Triple;
  readonly said: string;
  readonly classified: Classified;
}

/** What the engine has classified since the last scenario began: it is listened to, not replaced. */
const heard = vi.hoisted(() => [] as Heard[]);
vi.mock('../../src/sync/classify.ts', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../src/sync/classify.ts')>();
  return {
    ...real,
    classify: (triple: Triple, vouching: { readonly disk: boolean; readonly bucket: boolean }) => {
      const classified = real.classify(triple, vouching);
      const { local, row } = triple;
      const said = [diskSays(local, row, vouching), rowSays(row), bucketSays(triple, vouching)].join(' ');
      heard.push({ triple, said, classified });
      return classified;
    },
  };
});

/** What all scenarios together have shown. */
const seen = { cases: new Set<string>(), kinds: new Set<Action['kind']>(), texts: [] as string[] };
let world: World;
let database: Client;

beforeAll(async () => {
  world = await createWorld();
  database = new Client({ connectionString: world.databaseUrl });
  await database.connect();
  // Hundreds of questions: one connection for all of them.
  world = { ...world, query: async (sql, values = []) => (await database.query(sql, values)).rows };
  // What the bucket honours is learnt once, so that no scenario pays for it.
  world.write('a.jpg');
  await world.sync();
});
afterAll(async () => {
  await database.end();
  await world.close();
});

function requestOf(command: string): SyncRequest {
  if (command === 'POST /api/reconcile') return { kind: 'reconcile' };
  const parsed = parseCommandLine(command.split(' ').slice(1), '0');
  if (parsed.command !== 'sync' && parsed.command !== 'moves') throw new Error(`no command for a scenario: ${command}`);
  return syncJob(parsed.command, parsed.arguments, '/').request;
}

/** Runs it and says what came of it. */
async function play(scenario: Scenario): Promise<Scenario> {
  const staged = await stage(world, scenario);
  try {
    const before = await sidesNow(world, scenario);
    const request = requestOf(scenario.command);
    heard.length = 0;
    const plan = planText(await outcomeOf(staged, { ...request, dryRun: true }));
    const found = foundText();
    expect(await sidesNow(world, scenario), 'a dry run changes nothing').toBe(before);
    const outcome = await outcomeOf(staged, request);
    const after = await sidesNow(world, scenario);
    if (scenario.given.length === 0 && 'report' in outcome) await expectQuiet(scenario, request, after);
    const report = reportText(outcome);
    seen.texts.push(plan, report, after);
    return { ...scenario, found, plan, report, after };
  } finally {
    await staged.close();
  }
}

/** A report, or the error of a run that was refused. */
type Outcome = { readonly report: Report } | { readonly refused: string };

async function outcomeOf(staged: Staged, request: SyncRequest): Promise<Outcome> {
  try {
    const report = await staged.within(() => world.service.sync({ library: 'test', ...request }, {}, live()));
    for (const { kind } of report.plan ?? []) seen.kinds.add(kind);
    return { report };
  } catch (thrown) {
    const { code, message } = asRollcallError(thrown);
    return { refused: `${code}: ${placeless(message, world)}` };
  }
}

/** The same again finds nothing to send, fetch, rename or delete, and changes nothing. */
async function expectQuiet(scenario: Scenario, request: SyncRequest, after: string): Promise<void> {
  const { actions } = await world.service.sync({ library: 'test', ...request }, {}, live());
  const { uploaded, reuploaded, downloaded, moved, copied, deleted } = actions;
  expect({ uploaded, reuploaded, downloaded, moved, copied, deleted }, 'the same again does nothing').toEqual({
    uploaded: 0,
    reuploaded: 0,
    downloaded: 0,
    moved: 0,
    copied: 0,
    deleted: 0,
  });
  expect(await sidesNow(world, scenario), 'the same again changes nothing').toBe(after);
}

function foundText(): string {
  if (heard.length === 0) return 'Nothing was looked at.';
  const byKey = new Map(heard.map((one) => [one.triple.key, one]));
  const rows = [...byKey.values()].map(({ triple, said, classified }) => {
    seen.cases.add(said);
    const name = triple.local?.path ?? triple.row?.path ?? triple.key.slice('photos/'.length);
    const { class: photoClass, presence, finding } = classified;
    return [spelled(name), ...said.split(' '), photoClass ?? 'not told', presence, finding];
  });
  return table(['photo', 'the disk says', 'the row says', 'the bucket says', 'class', 'object', 'finding'], rows);
}

function planText(outcome: Outcome): string {
  if ('refused' in outcome) return `Refused: ${outcome.refused}`;
  const actions = outcome.report.plan ?? [];
  if (actions.length === 0) return 'Nothing to do.';
  return actions.map((action) => `- ${actionText(action)}`).join('\n');
}

function actionText(action: Action): string {
  const [path, reason] = [spelled(action.path), spelled(placeless(action.reason, world))];
  if (action.kind === 'move')
    return `move ${spelled(action.from.path)} → ${path}${action.edited ? ', edited' : ''}: ${reason}`;
  if (action.kind === 'copy') return `copy ${spelled(action.from.key.slice('photos/'.length))} → ${path}: ${reason}`;
  if (action.kind === 'adopt') return `adopt ${path}, if it differs: ${action.otherwise}`;
  if (action.kind === 'mark') return `mark ${path} as ${action.state}: ${reason}`;
  if (action.kind === 'report') return `report ${path}, ${action.code}: ${reason}`;
  if (action.kind === 'wait') return `wait for ${path}${action.to ? ` → ${spelled(action.to.path)}` : ''}: ${reason}`;
  const over = action.kind === 'download' && action.local ? ' over the file' : '';
  return `${action.kind} ${path}${over}: ${reason}`;
}

function reportText(outcome: Outcome): string {
  const lines = 'refused' in outcome ? [`Refused: ${outcome.refused}`] : linesOf(outcome.report);
  return lines.map((line) => `- ${placeless(line, world)}`).join('\n');
}

function linesOf({ status, photos, actions, bytes, requests, warnings, failures, conflicts, error }: Report): string[] {
  const counts = (what: string, of: Readonly<Record<string, number>>): string[] => {
    const some = Object.entries(of).filter(([, count]) => count > 0);
    return some.length === 0 ? [] : [`${what}: ${some.map(([name, count]) => `${count} ${name}`).join(', ')}`];
  };
  const named = (what: string, all: Report['failures']) =>
    all.map(({ path, code, message }) => `${what}: ${spelled(path)}: ${code}: ${spelled(message)}`).sort();
  return [
    status,
    ...counts('photos', photos),
    ...counts('actions', actions),
    ...counts('bytes', bytes),
    ...counts('requests', { ...requests }),
    ...warnings.map((warning) => `warning: ${spelled(warning)}`),
    ...named('failure', failures),
    ...named('conflict', conflicts),
    ...(error ? [`error: ${error.code}: ${error.message}`] : []),
  ];
}

describe.each(FILES)('%s', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const scenario = parseScenario(text);

  test(scenario.title, async () => {
    const played = printScenario(await play(scenario));
    if (UPDATES) writeFileSync(join(FOLDER, file), played);
    else expect(played).toBe(text);
  });
});

describe('the scenarios together', () => {
  test('are at least forty', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(40);
  });

  test.each(TRUTH_TABLE.map(({ disk, row, bucket }) => `${disk} ${row} ${bucket}`))(
    'come to this row of the truth table: %s',
    (said) => {
      expect([...seen.cases]).toContain(said);
    },
  );

  /** Each kind of action there is: the compiler asks for those that are missing. */
  const KINDS: Readonly<Record<Action['kind'], true>> = {
    upload: true,
    reupload: true,
    adopt: true,
    move: true,
    download: true,
    update: true,
    mark: true,
    delete: true,
    leftover: true,
    copy: true,
    wait: true,
    report: true,
  };
  test.each(Object.keys(KINDS))('plan a %s', (kind) => {
    expect([...seen.kinds]).toContain(kind);
  });

  test.each(ERROR_CODES.filter((code) => code.startsWith('GUARD_')))('are refused with %s', (code) => {
    expect(seen.texts.filter((text) => text.startsWith(`- Refused: ${code}`))).not.toEqual([]);
  });

  /** What else keeps Rollcall from harm, and by what it shows in a report. */
  const GUARDS: readonly (readonly [string, RegExp])[] = [
    ['many photos gone at once', /photos are gone from disk at once/],
    ['a walk that did not come to its end', /FOLDER_UNREADABLE/],
    ['a listing that did not come to its end', /LISTING_FAILED/],
    ['a listing that is out of order', /LISTING_UNORDERED/],
    ['a bucket that may not be listed', /BUCKET_DENIED/],
    ['a HEAD that is denied', /OBJECT_DENIED/],
    ['another run under way', /SYNC_IN_PROGRESS/],
    ['a file that is still being written', /unstable/],
    ['two names with one key', /NAME_COLLISION/],
    ['a key that can be no file', /NAME_INVALID/],
    ['a name too long for a key', /NAME_TOO_LONG/],
    ['links that lead out', /Not synced, not regular files/],
    ['an object in the archive', /waiting/],
    ['a photo that was lost', /LOST/],
    ['a key that somebody else has taken', /OBJECT_PRECONDITION/],
    ['two versions, and nobody to tell which', /CONFLICT/],
    ['deletions after a failure', /Deletions put off/],
    ['a damaged object', /found damaged/],
    ['a damaged file', /damaged on disk/],
  ];
  test.each(GUARDS)('meet the guard against %s', (_what, pattern) => {
    expect(seen.texts.filter((text) => pattern.test(text))).not.toEqual([]);
  });
});
