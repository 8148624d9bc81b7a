/** Reads a survey to its end and makes the plan: what would be done, in the phases in which it would be (DESIGN 2). */

import { RollcallError } from '../errors.ts';
import type { Action, AdoptAction } from './actions.ts';
import { type Classified, classify, type Finding } from './classify.ts';
import { decide, type Rules } from './decide.ts';
import type { Survey } from './inventory.ts';
import { conflict } from './make-action.ts';
import type { Dates } from './object-dates.ts';
import type { Problem } from './ports.ts';
import type { Tally } from './tally.ts';
import type { Triple } from './types.ts';

export interface Plan {
  /** In key order. */
  readonly actions: readonly Action[];
  /** Every side was read to its end: only then may anything be marked or deleted. */
  readonly complete: boolean;
  readonly filesOnDisk: number;
  /** Photos that disk or catalog know: what MAX_DELETE is a share of. */
  readonly photosInScope: number;
  /** Photos in agreement, as far as they are kept to be named in the log (`nameSkipped`). */
  readonly skipped: readonly string[];
}

/** So many problems are named; the rest is counted. */
const NAMED = 20;

export type Decide = typeof decide;

/** What a plan goes by, whatever the time. */
type TimelessRules = Omit<Rules, 'nowMs'>;

export interface PlanOptions {
  /** So many photos in agreement are kept to be named. */
  readonly nameSkipped: number;
  /** Only files with these names; null: all. */
  readonly only: readonly string[] | null;
  /** What is to be done about a photo; left out: what the policy says. */
  readonly decide?: Decide;
  /** Told of each photo that was looked at. */
  readonly onDecided?: (triple: Triple, action: Action | null) => void;
  /** The triples with their objects' modification times. */
  readonly datesOf: (triples: readonly Triple[]) => Promise<Dates>;
  /** Told before each batch what time it is: files are judged by when they were looked at. */
  readonly now: () => number;
  /** Why an object and a file of one size are a conflict, if that is known without reading them again. */
  readonly knownConflict: (action: AdoptAction) => string | null;
  readonly onScanned: (keys: number, lastPath: string) => void;
}

/** What `overwrite: newer` has to know the dates of. */
const DIFFERING = new Set<Finding>(['adopt', 'incomplete', 'edited', 'differs', 'both changed']);

/** Reads the survey to its end. */
export async function makePlan(
  survey: Survey,
  rules: TimelessRules,
  tally: Tally,
  options: PlanOptions,
): Promise<Plan> {
  const planner = new Planner(survey, rules, tally, options);
  let scanned = 0;
  for await (const batch of survey.triples) {
    await planner.add(batch);
    scanned += batch.length;
    options.onScanned(scanned, batch.at(-1)?.key ?? '');
  }
  return planner.finish();
}

class Planner {
  readonly #survey: Survey;
  readonly #rules: TimelessRules;
  readonly #tally: Tally;
  readonly #options: PlanOptions;
  readonly #only: ReadonlySet<string> | null;
  readonly #actions: Action[] = [];
  readonly #skipped: string[] = [];
  #filesOnDisk = 0;
  #photosInScope = 0;

  constructor(survey: Survey, rules: TimelessRules, tally: Tally, options: PlanOptions) {
    this.#survey = survey;
    this.#rules = rules;
    this.#tally = tally;
    this.#options = options;
    this.#only = options.only && new Set(options.only.map((name) => name.normalize('NFC')));
  }

  async add(batch: readonly Triple[]): Promise<void> {
    const rules = { ...this.#rules, nowMs: this.#options.now() };
    const wanted = this.#only === null ? batch : batch.filter(({ key }) => this.#only?.has(fileNameOf(key)));
    const found = wanted.map((triple) => ({ triple, classified: this.#classify(triple) }));
    const undated = found.filter(({ classified }) => this.#asksForDates(classified)).map(({ triple }) => triple);
    const dates: Dates = undated.length === 0 ? new Map() : await this.#options.datesOf(undated);
    for (const { triple, classified } of found) {
      const dated = dates.get(triple.key) ?? triple;
      if (dated instanceof RollcallError) this.#tally.fail(triple.local?.path ?? triple.key, dated);
      else this.#decide(dated, classified, rules);
    }
  }

  #asksForDates({ finding }: Classified): boolean {
    return this.#rules.policy.overwrite === 'newer' && DIFFERING.has(finding);
  }

  #classify(triple: Triple): Classified {
    if (triple.local) this.#filesOnDisk += 1;
    if (triple.local || triple.row) this.#photosInScope += 1;
    const classified = classify(triple, this.#survey.vouchesFor(triple.key));
    this.#tally.count(classified);
    return classified;
  }

  #decide(triple: Triple, classified: Classified, rules: Rules): void {
    const action = this.#settled(triple, (this.#options.decide ?? decide)(triple, classified, rules));
    this.#options.onDecided?.(triple, action);
    if (triple.local && triple.object) this.#countPhases(action);
    if (action !== null) this.#actions.push(action);
    else if (triple.local && classified.finding === 'in agreement') this.#skip(triple.local.path);
  }

  /** Versions that were read before and found to differ need not be read again to be a conflict. */
  #settled(triple: Triple, action: Action | null): Action | null {
    if (action?.kind !== 'adopt' || action.otherwise !== 'conflict' || triple.local === undefined) return action;
    const message = this.#options.knownConflict(action);
    return message === null ? action : conflict(triple, triple.local, message);
  }

  finish(): Plan {
    const problems = this.#survey.problems();
    const complete = !problems.some((problem) => problem.hides);
    this.#reportProblems(problems);
    return {
      actions: complete ? this.#actions : this.#withoutAbsences(),
      complete,
      filesOnDisk: this.#filesOnDisk,
      photosInScope: this.#photosInScope,
      skipped: this.#skipped,
    };
  }

  /** A file that both sides have is skipped once by each phase that leaves it alone. */
  #countPhases(action: Action | null): void {
    const { direction } = this.#rules.policy;
    const sends = action?.kind === 'upload' || action?.kind === 'reupload';
    if (direction !== 'up' && action?.kind !== 'download') this.#tally.files.skippedDownload += 1;
    if (direction === 'both' && !sends) this.#tally.files.skippedUpload += 1;
  }

  #skip(path: string): void {
    this.#tally.actions.skipped += 1;
    if (this.#skipped.length < this.#options.nameSkipped) this.#skipped.push(path);
  }

  #reportProblems(problems: readonly Problem[]): void {
    const skipped = problems.filter(({ code }) => code === 'FILE_SKIPPED');
    for (const problem of problems) if (problem.code !== 'FILE_SKIPPED') this.#tally.fail(problem.path, problem);
    const hiding = problems.filter(({ hides }) => hides);
    if (hiding.length > 0) {
      this.#tally.warnings.push(
        `Not everything could be read, so nothing was marked as gone or deleted: ${nameSome(hiding)}`,
      );
    }
    if (skipped.length > 0)
      this.#tally.warnings.push(`Not synced, not regular files of this library: ${nameSome(skipped)}`);
  }

  /** What rests on something being gone is not done after an incomplete inventory, and not counted either. */
  #withoutAbsences(): Action[] {
    const kept = this.#actions.filter(({ kind }) => kind !== 'mark' && kind !== 'delete');
    this.#tally.photos.lost = kept.filter((action) => action.kind === 'report' && action.what === 'lost').length;
    return kept;
  }
}

function nameSome(problems: readonly Problem[]): string {
  const named = problems.slice(0, NAMED).map(({ message }) => message);
  return [...named, ...(problems.length > NAMED ? [`and ${problems.length - NAMED} more`] : [])].join('; ');
}

function fileNameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1).normalize('NFC');
}
