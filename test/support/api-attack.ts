/** Sends hostile requests to a server over real parts, and holds every answer to what the API promises. */
import fc from 'fast-check';
import { isErrorCode } from '../../src/errors.ts';
import { type ApiDocument, type Target, targetsOf } from './api-fuzz.ts';
import type { FuzzWorld } from './fuzz-world.ts';
import { type RawAnswer, type RawRequest, sendRaw } from './raw-http.ts';

export interface Attack {
  /** Hostile requests for each path, query, header and body field. */
  readonly runs: number;
  /** To see a failure again. */
  readonly seed?: number;
}

/** Operations and right requests of the server's own document. */
export async function readTargets(world: FuzzWorld): Promise<Target[]> {
  const answer = await sendRaw(world.port, { method: 'GET', target: '/openapi.json', headers: [], body: null });
  return targetsOf(JSON.parse(answer.body) as ApiDocument, world.right);
}

/** What was answered against the promise, each with the smallest request that does it and the seed to see it again. */
export async function attackAll(world: FuzzWorld, targets: readonly Target[], attack: Attack): Promise<string[]> {
  const failures: string[] = [];
  const look = rememberingLook(world);
  for (const target of targets) {
    for (const slot of target.slots) failures.push(...(await attackSlot(world, target, slot, attack, look)));
    if (target.right.method === 'GET') continue;
    await world.restore();
    look.forget();
  }
  return failures;
}

async function attackSlot(world: FuzzWorld, target: Target, slot: string, attack: Attack, look: Look) {
  const property = fc.asyncProperty(target.hostile(slot), (request) => holdToPromise(world, request, look));
  const { runs, seed } = attack;
  const checked = await fc.check(property, { numRuns: runs, ...(seed !== undefined && { seed }) });
  if (!checked.failed) return [];
  const { errorInstance } = checked;
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return [`${target.name}, ${slot}, seed ${checked.seed}: ${why}\n${inWords(checked.counterexample?.[0])}`];
}

/** Looks at disk, bucket and catalog only when they may have changed. */
interface Look {
  before(): Promise<string>;
  after(): Promise<string>;
  forget(): void;
}

function rememberingLook(world: FuzzWorld): Look {
  let known: string | null = null;
  return {
    async before() {
      known ??= await world.look();
      return known;
    },
    after: () => world.look(),
    forget: () => {
      known = null;
    },
  };
}

async function holdToPromise(world: FuzzWorld, request: RawRequest, look: Look): Promise<void> {
  const before = request.method === 'GET' ? null : await look.before();
  const answer = await sendRaw(world.port, request);
  const fault = faultOf(answer);
  if (fault !== null) throw new Error(`${fault}: ${answer.status} ${answer.body.slice(0, 600)}`);
  const [logged] = world.faults.splice(0);
  if (logged !== undefined) throw new Error(`it answered ${answer.status} and logged the error ${logged.message}`);
  if (answer.status < 400) {
    if (before !== null) look.forget();
    await undo(world, answer);
  } else if (before !== null && before !== (await look.after())) {
    look.forget();
    throw new Error(`it was refused with ${answer.status} and changed something: ${answer.body}`);
  }
}

/** Why this is no answer that a client may get while everything that the server leans on is well; null: it is one. */
export function faultOf({ status, headers, body }: RawAnswer): string | null {
  if (/\bat .+\.[jt]s:\d+|node_modules|node:internal/.test(body)) return 'a stack';
  if (status >= 200 && status < 400) return null;
  const problem = problemOf(body);
  if (headers.get('content-type') !== 'application/problem+json' || problem === null) return 'no problem document';
  if (!isErrorCode(String(problem['code'])) || problem['status'] !== status) return 'no code';
  // A library may name any bucket; whether it is there, the other server says.
  if (status === 502 && String(problem['code']).startsWith('BUCKET_')) return null;
  return status < 500 ? null : 'a server error';
}

function problemOf(body: string): Record<string, unknown> | null {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** A library that was added would be in the way of the next one. */
export async function undo(world: FuzzWorld, { status, headers }: RawAnswer): Promise<void> {
  const added = status === 201 ? headers.get('location')?.split('/').at(-1) : undefined;
  if (added !== undefined) await world.forget(added);
}

function inWords(request: RawRequest | undefined): string {
  if (request === undefined) return '';
  const { method, target, headers, body } = request;
  return JSON.stringify({
    method,
    target: target.slice(0, 500),
    headers,
    body: body?.toString('latin1').slice(0, 500),
  });
}
