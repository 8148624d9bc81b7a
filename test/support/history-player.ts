/** Plays a history on a real library: the changes of its users, the losses of its catalog, syncs on good and bad days. */
import { copyFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { RollcallError } from '../../src/errors.ts';
import type { MediaService } from '../../src/sync/media-service.ts';
import type { Report } from '../../src/sync/types.ts';
import { mixedFaults } from './bucket-faults.ts';
import { killConnections, loseRaces, winRaces } from './database-faults.ts';
import type { diskFaults } from './disk-faults.ts';
import { forbidden, predict, rulesOf, unlike } from './history-model.ts';
import {
  type Asked,
  argumentsOf,
  type Change,
  diskFaultsOf,
  faultsOf,
  type Loss,
  type Step,
  type Trouble,
} from './history-steps.ts';
import { falseRows, impossible, type SeenSides, seenSides, strayVariants } from './sides.ts';
import { writesOf } from './tree.ts';
import type { World } from './world.ts';

/** Nobody ever touches it: a library without any photo is refused. */
const KEPT = 'kept.jpg';
const HOUR_MS = 3_600_000;
const MOST_SYNCS = 5;

/** A sync in a process of its own. */
export interface StartedSync {
  kill(): void;
  readonly ended: Promise<{ readonly signal: NodeJS.Signals | null }>;
}

export interface PlayerParts {
  readonly world: World;
  /** Null: this history has no pictures. */
  readonly media: MediaService | null;
  /** Small ones, each of its own. */
  readonly pictures: readonly string[];
  readonly disk: Pick<ReturnType<typeof diskFaults>, 'begin' | 'end'>;
  /** The built program, for syncs that are killed; null: this history has none. */
  readonly program: ((args: readonly string[], env: Record<string, string>) => StartedSync) | null;
}

export class Player {
  readonly #world: World;
  readonly #parts: PlayerParts;
  /** All that anybody ever made. */
  readonly #contents = new Set<string>();
  /** Temporary files of processes that were killed: hidden by their names, and swept up when they are a day old. */
  readonly #left = new Set<string>();
  #writes = 0;
  readonly problems: string[] = [];
  /** Syncs that were killed at work. */
  killed = 0;

  private constructor(parts: PlayerParts) {
    this.#parts = parts;
    this.#world = parts.world;
  }

  /** Begins with a library that holds one photo, and with nothing in bucket and catalog. */
  static async begin(parts: PlayerParts): Promise<Player> {
    await parts.world.wipe();
    const player = new Player(parts);
    player.#write(KEPT, player.#content(40));
    return player;
  }

  /** A first sync that nothing disturbs: what people change after it has been agreed on. */
  agree(): Promise<void> {
    return this.play({ do: 'sync', asked: { maxDelete: '100%', dedupeCopy: true }, trouble: { kind: 'none' } });
  }

  async play(step: Step): Promise<void> {
    if (step.do === 'sync') await this.#sync(step.asked, step.trouble);
    else if (step.do === 'pictures') await this.#process(step.trouble);
    else if (step.do === 'forget') await this.#forget(step);
    else await this.#change(step);
  }

  /** No more trouble: syncs until there is nothing to do, and holds what that came to against the model each time. */
  async end(asked: Asked): Promise<void> {
    const { album: _, ...whole } = asked;
    for (let sync = 1; ; sync++) {
      const report = await this.#sync(whole, { kind: 'none' });
      if (report === null || this.problems.length > 0) break;
      const moved = writesOf(report) + report.bytes.downloaded + report.actions.marked + report.actions.deleted;
      if (moved === 0) break;
      if (sync === MOST_SYNCS) this.problems.push(`no quiet after ${sync} syncs: ${JSON.stringify(report.actions)}`);
    }
    await this.#tidyVariants();
  }

  async #change(change: Change): Promise<void> {
    if (!('which' in change)) {
      if (change.do === 'put') return this.#put(change.to, this.#content(change.length));
      return this.#write(
        change.to,
        change.do === 'write' ? this.#content(change.length) : this.#picture(change.length),
      );
    }
    const { disk, bucket } = await seenSides(this.#world);
    const paths = [...disk.keys()].filter((path) => path !== KEPT);
    const objects = [...bucket.keys()].filter((path) => path !== KEPT && !path.includes('.rollcall-'));
    const pick = (from: readonly string[], nth: number) => from[nth % Math.max(from.length, 1)];
    const object = pick(objects, change.which);
    if (change.do === 'remove object' && object !== undefined) {
      return this.#world.deleteObject(`photos/${object}`);
    }
    const path = pick(paths, change.which);
    if (path === undefined) return;
    const content = disk.get(path)?.content ?? '';
    switch (change.do) {
      case 'save anew':
        return this.#saveAnew(path, this.#content(change.length));
      case 'contend':
        await this.#put(path, this.#content(change.length + (change.which % 3) * 10));
        return this.#write(path, this.#content(change.length));
      case 'edit':
        return this.#write(path, this.#content(change.length));
      case 'extend':
        return this.#write(path, this.#made(content + this.#content(20)));
      case 'touch':
        return this.#date(path);
      case 'remove':
        return rmSync(this.#at(path));
      case 'put the same':
        return this.#put(path, content);
      case 'put a part':
        return this.#put(path, this.#made(content.slice(0, content.length >> 1)));
      case 'rename':
        return this.#rename(path, change.to);
      case 'copy':
        if (path === change.to) return;
        mkdirSync(dirname(this.#at(change.to)), { recursive: true });
        copyFileSync(this.#at(path), this.#at(change.to));
        return this.#date(change.to);
      case 'swap': {
        const other = pick(paths, change.other);
        if (other === undefined || other === path) return;
        renameSync(this.#at(path), `${this.#at(path)}.swapping`);
        renameSync(this.#at(other), this.#at(path));
        return renameSync(`${this.#at(path)}.swapping`, this.#at(other));
      }
    }
  }

  async #forget({ what, which }: Loss): Promise<void> {
    const { query, catalog, library } = this.#world;
    if (what === 'some rows') await query(`DELETE FROM "Photo" WHERE hashtext("key") % 2 = ${which % 2}`);
    if (what === 'all rows') await query('DELETE FROM "Album"');
    if (what !== 'the database') return;
    await query('TRUNCATE "Library", "BucketProfile", "VariantRemains" CASCADE');
    const { id: _, sync: _sync, ...facts } = library;
    await catalog.libraries.create(facts);
  }

  /** Null when it was refused or ended by its trouble. */
  async #sync(asked: Asked, trouble: Trouble): Promise<Report | null> {
    const before = await seenSides(this.#world);
    const outcome =
      trouble.kind === 'killed'
        ? await this.#killed(asked, trouble)
        : await this.#during(trouble, (signal) => this.#world.sync(asked, signal));
    const after = await seenSides(this.#world);
    const report = outcome instanceof Error ? null : outcome;
    if (trouble.kind === 'killed') for (const path of after.temporary) this.#left.add(path);
    const lies = trouble.kind === 'bucket' && trouble.of === 'any';
    const rules = rulesOf(asked);
    const wrong = [
      ...falseRows(before, after, { etags: !lies }),
      ...impossible(after, this.#contents),
      ...after.temporary.filter((path) => !this.#left.has(path)).map((path) => `temporary file ${path} was left`),
      ...forbidden(before, after, rules),
    ];
    if (trouble.kind === 'none') wrong.push(...this.#judge(outcome, before, after, asked));
    this.#note(wrong, { asked, trouble, outcome: outcome instanceof Error ? String(outcome) : outcome.actions });
    return report;
  }

  /** The same sync as a process, which is killed. What it was in the middle of comes to an end without it. */
  async #killed(asked: Asked, { request, afterMs }: Extract<Trouble, { kind: 'killed' }>): Promise<RollcallError> {
    const args = argumentsOf(asked);
    const { program } = this.#parts;
    if (program === null || args === null) return new RollcallError('CANCELLED', 'not begun');
    const { proxy, query } = this.#world;
    const run = program(args, { DEDUPE_COPY: String(asked.dedupeCopy) });
    proxy.reset();
    proxy.fail((_, nth) => {
      if (nth === request) setTimeout(() => run.kill(), afterMs);
      return null;
    });
    if ((await run.ended).signal === 'SIGKILL') this.killed += 1;
    proxy.reset();
    await proxy.quiet();
    const locks =
      "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while ((await query(locks)).length > 0);
    return new RollcallError('CANCELLED', 'killed');
  }

  #judge(outcome: Report | RollcallError, before: SeenSides, after: SeenSides, asked: Asked): string[] {
    if (outcome instanceof RollcallError) {
      // An album that nobody knows.
      const unknown = outcome.code === 'NOT_FOUND' && asked.album !== undefined;
      return unknown ? [] : [`refused without any trouble: ${outcome.code} ${outcome.message}`];
    }
    const rules = rulesOf(asked);
    const conflicts = new Set(outcome.conflicts.map(({ path }) => path));
    const failed = outcome.failures.map(
      ({ path, code, message }) => `failed without any trouble: ${path} ${code} ${message}`,
    );
    const whole = rules.moves !== 'only' && asked.album === undefined;
    return [
      ...failed,
      ...unlike(after, predict(before, rules), before, rules, conflicts),
      ...(whole ? falseRows(before, after, { whole }) : []),
    ];
  }

  #note(wrong: readonly string[], about: object): void {
    if (wrong.length > 0) this.problems.push(...wrong.map((one) => `${one} (${JSON.stringify(about)})`));
  }

  async #process(trouble: Trouble): Promise<void> {
    const { media } = this.#parts;
    if (media === null) return;
    const before = await seenSides(this.#world);
    const outcome = await this.#during(trouble, async (signal) => {
      for (const library of (await this.#world.catalog.libraries.list({ limit: 10 })).items) {
        await media.work(library, {}, () => {}, signal);
      }
      return null;
    });
    const after = await seenSides(this.#world);
    const wrong = [...falseRows(before, after), ...impossible(after, this.#contents)];
    if (trouble.kind === 'none' && outcome instanceof Error) wrong.push(`pictures: ${outcome.message}`);
    this.#note(wrong, { pictures: true, trouble });
  }

  /** Strays of a process that died are found by the sweep after a reconciliation, once they are an hour old. */
  async #tidyVariants(): Promise<void> {
    const { media, world } = { ...this.#parts };
    if (media === null) return;
    world.clock.nowMs = Date.now() + 2 * HOUR_MS;
    const live = AbortSignal.timeout(150_000);
    for (const library of (await world.catalog.libraries.list({ limit: 10 })).items) {
      await media.sweep(library, live);
      await media.work(library, {}, () => {}, live);
    }
    world.clock.nowMs = Date.now();
    const strays = strayVariants(await seenSides(world)).map((key) => `variant ${key} has no photo`);
    this.#note(strays, { swept: true });
  }

  async #during<T>(trouble: Trouble, work: (signal: AbortSignal) => Promise<T>): Promise<T | RollcallError> {
    const stop = new AbortController();
    const { proxy } = this.#world;
    proxy.reset();
    const onBadDay: Promise<unknown>[] = [];
    if (trouble.kind === 'bucket') proxy.fail(mixedFaults({ ...trouble, of: faultsOf(trouble) }));
    if (trouble.kind === 'stopped') {
      proxy.fail((_, nth) => {
        if (nth === trouble.request) stop.abort();
        return null;
      });
    }
    if (trouble.kind === 'dead') {
      proxy.fail((_, nth) => {
        if (nth < trouble.request) return null;
        if (nth === trouble.request) this.#world.line?.cut();
        return { kind: nth === trouble.request && trouble.unanswered ? 'break-after' : 'break-before' };
      });
    }
    if (trouble.kind === 'connections') {
      proxy.fail((_, nth) => {
        if (nth === trouble.request) onBadDay.push(killConnections(this.#world));
        return null;
      });
    }
    if (trouble.kind === 'disk') this.#parts.disk.begin(this.#world.root, diskFaultsOf(trouble));
    if (trouble.kind === 'deadlocks') await loseRaces(this.#world, '40P01', trouble.writes);
    if (trouble.kind === 'serialisation') await loseRaces(this.#world, '40001', trouble.writes);
    try {
      return await work(AbortSignal.any([stop.signal, AbortSignal.timeout(150_000)]));
    } catch (thrown) {
      if (thrown instanceof RollcallError) return thrown;
      if (thrown instanceof Error && thrown.name === 'AbortError') return new RollcallError('CANCELLED', 'stopped');
      throw thrown;
    } finally {
      proxy.reset();
      this.#parts.disk.end();
      this.#world.line?.mend();
      await proxy.quiet();
      await Promise.all(onBadDay);
      if (trouble.kind === 'deadlocks' || trouble.kind === 'serialisation') await winRaces(this.#world);
    }
  }

  #write(path: string, content: string): void {
    mkdirSync(dirname(this.#at(path)), { recursive: true });
    writeFileSync(this.#at(path), content, 'latin1');
    this.#date(path);
  }

  #saveAnew(path: string, content: string): void {
    this.#write(`${path}~`, content);
    renameSync(this.#at(`${path}~`), this.#at(path));
  }

  #rename(from: string, to: string): void {
    mkdirSync(dirname(this.#at(to)), { recursive: true });
    renameSync(this.#at(from), this.#at(to));
  }

  /** Each write has a date of its own, long ago. */
  #date(path: string): void {
    const date = this.#nextDate();
    utimesSync(this.#at(path), date, date);
  }

  #nextDate(): number {
    this.#writes += 1;
    return 1_600_000_000 + this.#writes * 60;
  }

  /** Some say when their content was made, some do not. */
  async #put(path: string, content: string): Promise<void> {
    const date = this.#nextDate();
    const Metadata = date % 120 === 0 ? { mtime: String(date) } : undefined;
    const body = Buffer.from(content, 'latin1');
    const put = { Bucket: this.#world.bucket, Key: `photos/${path}`, Body: body, Metadata };
    await this.#world.s3.client.send(new PutObjectCommand(put));
  }

  /** Bytes that were never there before, unless there are none. */
  #content(length: number): string {
    this.#writes += 1;
    return this.#made(length === 0 ? '' : `bytes ${this.#writes}`.padEnd(length, '.'));
  }

  #picture(which: number): string {
    return this.#made(this.#parts.pictures[which % Math.max(this.#parts.pictures.length, 1)] ?? '');
  }

  #made(content: string): string {
    this.#contents.add(content);
    return content;
  }

  #at(path: string): string {
    return join(this.#world.root, path);
  }
}
