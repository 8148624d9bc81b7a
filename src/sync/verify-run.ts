/** One verify under way: photo after photo, what it finds, and what of that is noted where. */
import pMap from 'p-map';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { ActionRecord, CheckedPhoto, CheckPlan } from './catalog-port.ts';
import { damageText, type Fault } from './damage.ts';
import { manyGone } from './guards.ts';
import type { Sides } from './inventory.ts';
import type { Log } from './ports.ts';
import type { ProgressMeter } from './progress.ts';
import { NO_CHECKS, Tally } from './tally.ts';
import type { CatalogRow, CheckCounts, Report, RunStatus, Scope, SyncSettings } from './types.ts';
import { judge, type Verdict } from './verify-judge.ts';
import { askBucket, askDisk, expectsFile, isSameElsewhere, type Reading } from './verify-sides.ts';

interface VerifyRunOptions {
  readonly id: string;
  readonly scope: Scope;
  readonly sides: Sides;
  readonly plan: CheckPlan;
  readonly settings: Pick<SyncSettings, 'checkConcurrency' | 'maxDelete'>;
  readonly progress: ProgressMeter;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Results are noted this often: so much at most is read again after a crash. */
const MS_BETWEEN_NOTES = 2_000;
const MOST_UNNOTED = 500;
/** A photo whose row changes every time it is read is left to the next verify. */
const READINGS = 4;
/** So many are named in a warning. */
const NAMED = 20;
/** After so many refusals, and not one object read, it is not about single objects. */
const DENIALS = 20;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export class VerifyRun {
  readonly #o: VerifyRunOptions;
  readonly #tally = new Tally();
  readonly #counts: Mutable<CheckCounts> = { ...NO_CHECKS };
  readonly #gone: string[] = [];
  /** Also when something ends the run: what is being read is not read on. */
  readonly #signal: AbortSignal;
  readonly #ending = new AbortController();
  #notes: CheckedPhoto[] = [];
  #records: ActionRecord[] = [];
  #noting: Promise<void> = Promise.resolve();
  #fatal: RollcallError | null = null;
  #denials = 0;
  #objectsRead = false;
  /** For progress: photos that are over, and bytes of what was expected of them. */
  #photosDone = 0;
  #bytesDone = 0;

  constructor(options: VerifyRunOptions) {
    this.#o = options;
    this.#signal = AbortSignal.any([options.signal, this.#ending.signal]);
  }

  /** Reads the photos of the plan. Throws what ended it early, after what was found is noted. */
  async readAll(): Promise<void> {
    const { plan, progress, settings, signal } = this.#o;
    progress.expecting(plan.photos, plan.bytes);
    const timer = setInterval(() => void this.#note(), MS_BETWEEN_NOTES);
    try {
      await pMap(this.#rows(), (row) => this.#photo(row), { concurrency: settings.checkConcurrency });
    } finally {
      clearInterval(timer);
      await this.#note();
    }
    if (this.#fatal) throw this.#fatal;
    signal.throwIfAborted();
  }

  report(end: {
    readonly runId: string;
    readonly status: RunStatus;
    readonly durationMs: number;
    readonly error?: RollcallError;
  }): Report {
    const checked = { ...this.#counts };
    this.#tally.photos.existing = checked.photos;
    this.#tally.photos.changed = checked.changed;
    const requests = this.#o.sides.bucket.requests();
    const retries = this.#o.sides.bucket.retries();
    return { ...this.#tally.report({ ...end, checked, requests, retries }), warnings: this.#warnings() };
  }

  get #stopped(): boolean {
    return this.#signal.aborted;
  }

  /** Asked for as hands become free, so that the list is never held whole. */
  async *#rows(): AsyncGenerator<CatalogRow> {
    const { scope, plan, sides } = this.#o;
    try {
      for await (const batch of sides.catalog.rowsToCheck(scope, plan, this.#signal)) {
        for (const row of batch) {
          if (this.#stopped) return;
          yield row;
        }
      }
    } catch (thrown) {
      if (!this.#stopped) this.#end(thrown);
    }
  }

  /** Nothing more can succeed; the first reason counts. */
  #end(thrown: unknown): void {
    this.#fatal ??= asRollcallError(thrown);
    this.#ending.abort(this.#fatal);
  }

  async #photo(listed: CatalogRow): Promise<void> {
    if (this.#stopped) return;
    const account = { read: 0 };
    try {
      const found = await this.#settled(listed, account);
      if (found !== null) await this.#take(found.row, found.verdict);
    } catch (thrown) {
      if (!this.#stopped) this.#end(thrown);
      return;
    }
    // Whatever was not to be read, or was read twice, counts as what was expected of this photo.
    this.#bytesDone += expectedBytes(listed) - account.read;
    this.#photosDone += 1;
    this.#tell(listed.path);
  }

  /**
   * Damage is damage only if it is found twice, by a row that has not changed meanwhile. Null: the photo is none any more.
   */
  async #settled(
    listed: CatalogRow,
    account: { read: number },
  ): Promise<{ readonly row: CatalogRow; readonly verdict: Verdict } | null> {
    let row = listed;
    for (let reading = 1; ; reading++) {
      const verdict = await this.#read(row, account);
      if (verdict.damage.length === 0) return { row, verdict };
      const [now] = await this.#o.sides.catalog.rowsById([row.id], this.#signal);
      if (now === undefined || now.deleting) return null;
      if (reading > 1 && sameFacts(row, now)) return { row, verdict };
      // Of a photo that never holds still nothing is said: what was found is noted for no row.
      if (reading === READINGS) return { row, verdict: { ...verdict, outcome: 'changed', damage: [] } };
      row = now;
    }
  }

  async #read(row: CatalogRow, account: { read: number }): Promise<Verdict> {
    const { library } = this.#o.scope;
    // One side's failure ends the other's reading too.
    const failed = new AbortController();
    const reading = this.#reading(account, AbortSignal.any([this.#signal, failed.signal]));
    const asked = [askDisk(row, reading), askBucket(row, reading)] as const;
    try {
      const [disk, said] = await Promise.all(asked);
      if (said.kind === 'read') this.#objectsRead = true;
      const bucket = said.kind === 'other' ? { ...said, same: await isSameElsewhere(row, disk, reading) } : said;
      return judge(row, disk, bucket, `s3://${library.bucket}/${row.key}`);
    } catch (thrown) {
      failed.abort(thrown);
      await Promise.allSettled(asked);
      throw thrown;
    }
  }

  #reading(account: { read: number }, signal: AbortSignal): Reading {
    const { scope, sides } = this.#o;
    const count = (bytes: number) => {
      account.read += bytes;
      this.#bytesDone += bytes;
      this.#counts.bytes += bytes;
      this.#tell(null);
    };
    const onFetched = (bytes: number) => {
      this.#tally.bytes.downloaded += bytes;
      count(bytes);
    };
    return { disk: sides.disk, bucket: sides.bucket, library: scope.library, onRead: count, onFetched, signal };
  }

  async #take(row: CatalogRow, verdict: Verdict): Promise<void> {
    const { outcome, damage, unread } = verdict;
    this.#counts.photos += 1;
    this.#counts[outcome] += 1;
    if (outcome === 'gone' && this.#gone.length < NAMED) this.#gone.push(row.path);
    if (verdict.md5 !== null) this.#tally.actions.updated += 1;
    for (const fault of [...damage, ...unread]) this.#fault(row, fault);
    this.#assertAllowed(unread);
    const text = damageText([...damage, ...unread]);
    this.#notes.push({ row, damage: text, md5: verdict.md5, whole: verdict.whole });
    if (this.#notes.length >= MOST_UNNOTED) await this.#note();
  }

  #fault({ path, key, size }: CatalogRow, { code, message }: Fault): void {
    this.#tally.fail(path, { code, message });
    this.#o.log.error({ path, code }, `${code}: ${path}: ${message}`);
    this.#records.push({ kind: 'verify', path, key, outcome: 'failed', bytes: size, code, message });
  }

  /** A key that may list but not read would make every photo a failure of its own. */
  #assertAllowed(unread: readonly Fault[]): void {
    if (unread.some(({ code }) => code === 'OBJECT_DENIED')) this.#denials += 1;
    if (this.#denials < DENIALS || this.#objectsRead) return;
    const { bucket } = this.#o.scope.library;
    const message = `objects of s3://${bucket} may be listed but not read: the credentials need s3:GetObject`;
    throw new RollcallError('BUCKET_DENIED', message);
  }

  /** Writes down what was found, one batch after the other. */
  #note(): Promise<void> {
    this.#noting = this.#noting.then(async () => {
      const [notes, records] = [this.#notes, this.#records];
      [this.#notes, this.#records] = [[], []];
      if (notes.length === 0) return;
      const { id, scope, plan, sides } = this.#o;
      await sides.catalog.saveChecks(scope.library, plan.since, notes);
      await sides.catalog.recordActions(id, records);
    });
    // What cannot be noted ends the run: readAll throws it.
    this.#noting = this.#noting.catch((thrown: unknown) => this.#end(thrown));
    return this.#noting;
  }

  #tell(path: string | null): void {
    this.#o.progress.done({ actions: this.#photosDone, bytes: this.#bytesDone, path });
  }

  #warnings(): string[] {
    const { gone, archived, photos } = this.#counts;
    const warnings: string[] = [];
    if (gone > 0) {
      const more = gone > this.#gone.length ? ` and ${gone - this.#gone.length} more` : '';
      const many = manyGone(gone, photos, this.#o.settings.maxDelete, 'could not be checked there');
      warnings.push(
        `${many ?? 'Gone from disk since the last sync, which the next one looks into'}: ${this.#gone.join(', ')}${more}`,
      );
    }
    if (archived > 0) {
      warnings.push(
        `${archived} archived objects cannot be read before they are restored: only their ETags and sizes were checked.`,
      );
    }
    return warnings;
  }
}

/** What a photo counts for in the totals: the catalog counts alike (CheckPlan.bytes). */
function expectedBytes(row: CatalogRow): number {
  return row.state === 'orphaned' || row.state === 'lost' ? row.size : 2 * row.size;
}

/** Does the row still say what a photo was held against? */
function sameFacts(a: CatalogRow, b: CatalogRow): boolean {
  return (
    a.key === b.key &&
    a.path === b.path &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.md5 === b.md5 &&
    a.etag === b.etag &&
    expectsFile(a) === expectsFile(b)
  );
}
