/** Reads a survey to its end and makes the plan: what would be done, in the phases in which it would be (DESIGN 2). */

import { RollcallError } from '../errors.ts';
import type { Action, CopyAction, ReportAction } from './actions.ts';
import { type Classified, classify, type Finding, isArchived } from './classify.ts';
import { decide } from './decide.ts';
import { type FoundMoves, NO_MOVES } from './find-moves.ts';
import type { Survey, Vouching } from './inventory.ts';
import { conflict } from './make-action.ts';
import { type Found, isAsideKey } from './moves.ts';
import type { Dates } from './object-dates.ts';
import { moveActions, waitForDownload, waitForMove } from './plan-moves.ts';
import type { Plan, PlanOptions, TimelessRules } from './plan-options.ts';
import type { Problem } from './ports.ts';
import type { Rules } from './rules.ts';
import type { Tally } from './tally.ts';
import type { Triple } from './types.ts';

/** So many problems are named; the rest is counted. */
const NAMED = 20;

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
  /** Storage classes of the archived objects that are to be downloaded. */
  readonly #archived = new Map<string, string>();
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
    const rules = this.#rulesNow();
    const wanted = this.#only === null ? batch : batch.filter(({ key }) => this.#only?.has(fileNameOf(key)));
    const found: { readonly triple: Triple; readonly classified: Classified }[] = [];
    for (const triple of wanted) {
      const seen = this.#options.leftovers.hide(triple);
      if (seen !== null) found.push({ triple: seen, classified: this.#classify(seen) });
    }
    const undated = found.filter(({ classified }) => this.#asksForDates(classified)).map(({ triple }) => triple);
    const dates: Dates | null = undated.length === 0 ? null : await this.#options.datesOf(undated);
    for (const { triple, classified } of found) {
      const dated = dates?.get(triple.key) ?? triple;
      if (dated instanceof RollcallError) this.#tally.fail(triple.local?.path ?? triple.key, dated);
      else this.#decide(dated, classified, rules);
    }
  }

  async finish(): Promise<Plan> {
    const problems = this.#survey.problems();
    const complete = !problems.some((problem) => problem.hides);
    this.#reportProblems(problems);
    const moved = (await this.#options.moves?.finish()) ?? NO_MOVES;
    this.#recount(moved);
    const rest = await this.#waited(await this.#copied(this.#withoutMoved(moved), moved.md5s));
    const moves = [...this.#options.leftovers.actions(moved.pairs), ...moveActions(moved.pairs)];
    const waits = moved.waiting.map(waitForMove);
    const others = this.#rules.policy.moves === 'only' ? [] : complete ? rest : this.#withoutAbsences(rest);
    return {
      actions: [...moves, ...waits, ...others],
      albums: moved.albums,
      complete,
      filesOnDisk: this.#filesOnDisk,
      photosInScope: this.#photosInScope,
      skipped: this.#skipped,
    };
  }

  #rulesNow(): Rules {
    return { ...this.#rules, nowMs: this.#options.now() };
  }

  #asksForDates({ finding }: Classified): boolean {
    return this.#rules.policy.overwrite === 'newer' && DIFFERING.has(finding);
  }

  #classify(triple: Triple): Classified {
    if (triple.local) this.#filesOnDisk += 1;
    if (triple.local || triple.row) this.#photosInScope += 1;
    const classified = classify(triple, this.#vouching(triple));
    this.#tally.count(classified);
    return classified;
  }

  /** No file ever has a temporary key's name: a photo that is left there by a cut-off move is known to be elsewhere. */
  #vouching({ key, row, local }: Triple): Vouching {
    const vouches = this.#survey.vouchesFor(key);
    return row && !local && isAsideKey(key) ? { bucket: vouches.bucket, disk: true } : vouches;
  }

  #decide(triple: Triple, classified: Classified, rules: Rules): void {
    const action = this.#settled(triple, (this.#options.decide ?? decide)(triple, classified, rulesFor(triple, rules)));
    this.#options.onDecided?.(triple, action, classified);
    this.#options.moves?.note({ triple, classified, action }, this.#vouching(triple));
    if (triple.local && triple.object) this.#countPhases(action);
    if (action?.kind === 'download' && triple.object && isArchived(triple.object)) {
      this.#archived.set(action.key, triple.object.storageClass);
    }
    if (action !== null) this.#actions.push(action);
    else if (triple.local && classified.finding === 'in agreement') this.#skip(triple.local.path);
  }

  /** Versions that were read before and found to differ need not be read again to be a conflict. */
  #settled(triple: Triple, action: Action | null): Action | null {
    if (action?.kind !== 'adopt' || action.otherwise !== 'conflict' || triple.local === undefined) return action;
    const message = this.#options.knownConflict(action);
    return message === null ? action : conflict(triple, triple.local, message);
  }

  /** Counts renamed photos once, as what they are. */
  #recount({ pairs, waiting }: FoundMoves): void {
    const all = [...pairs, ...waiting];
    const arrivals = new Set(all.map(({ arrival }) => arrival.local.key));
    for (const { departure, arrival, edited } of all) {
      this.#tally.uncount(arrival.found.classified);
      if (!arrivals.has(departure.row.key)) this.#tally.uncount(departure.found.classified);
      this.#tally.photos.moved += 1;
      // Seen under both names, it is one photo.
      if (!departure.found.triple.local && !arrival.found.triple.row) this.#photosInScope -= 1;
      if (edited && !departure.lost) this.#tally.photos.changed += 1;
    }
  }

  /** What is left to do when the renames are done; a file at a place that was left is a new photo. */
  #withoutMoved({ pairs, waiting, unstable, unsure, stuck, over }: FoundMoves): Action[] {
    const settled = new Set<string>(stuck.map(({ departure }) => departure.row.key));
    const held = new Set([...unstable.map(({ departure }) => departure), ...unsure].map(({ row }) => row.key));
    for (const { departure, arrival } of [...pairs, ...waiting]) settled.add(departure.row.key).add(arrival.local.key);
    const arrivals = new Set(pairs.map(({ arrival }) => arrival.local.key));
    const fresh = new Map<string, Action | null>(over.map(({ local, found }) => [local.key, this.#decideOver(found)]));
    for (const { departure } of pairs) {
      const { key, local } = departure.found.triple;
      if (local && !arrivals.has(key)) fresh.set(key, this.#decideNew({ key, local }));
    }
    // Whether it is lost is seen when its file can be read.
    this.#tally.photos.lost -= unsure.filter(({ lost }) => lost).length;
    const kept = this.#actions.flatMap((action) => {
      const instead = held.has(action.key) ? holdBack(action) : fresh.get(action.key);
      return instead ? [instead] : settled.has(action.key) ? [] : [action];
    });
    return kept;
  }

  #decideNew(triple: Triple): Action | null {
    const classified = { class: 'new', presence: 'missing', finding: 'upload', changed: false } as const;
    this.#tally.count(classified);
    return decide(triple, classified, this.#rulesNow());
  }

  /** By size and date it may look like the photo that was there. */
  #decideOver({ triple, classified, action }: Found): Action | null {
    const looksTheSame = action?.kind === 'update' || action?.kind === 'adopt';
    if (!looksTheSame || classified.finding !== 'in agreement') return action;
    this.#tally.photos.changed += 1;
    return decide(triple, { ...classified, finding: 'edited', changed: true }, this.#rulesNow());
  }

  async #copied(actions: readonly Action[], md5s: ReadonlyMap<string, string>): Promise<readonly Action[]> {
    const uploads = actions.filter((action) => action.kind === 'upload' || action.kind === 'reupload');
    const copies = md5s.size === 0 ? new Map<string, CopyAction>() : await this.#options.copies(uploads, md5s);
    return copies.size === 0 ? actions : actions.map((action) => copies.get(action.key) ?? action);
  }

  /** Downloads of archived objects wait until those are restored. */
  async #waited(actions: readonly Action[]): Promise<readonly Action[]> {
    if (this.#archived.size === 0) return actions;
    const unreadable = await this.#options.unrestored([...this.#archived.keys()]);
    return actions.map((action) =>
      action.kind === 'download' && unreadable.has(action.key)
        ? waitForDownload(action, this.#archived.get(action.key) ?? '')
        : action,
    );
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
  #withoutAbsences(actions: readonly Action[]): Action[] {
    const kept = actions.filter(({ kind }) => kind !== 'mark' && kind !== 'delete');
    this.#tally.photos.lost = kept.filter((action) => action.kind === 'report' && action.what === 'lost').length;
    return kept;
  }
}

/** What may have been renamed is left alone until that can be seen. */
function holdBack(action: Action): ReportAction {
  const { key, path } = action;
  const reason = 'gone or replaced, and maybe renamed: a file that may be it has changed just now';
  return { kind: 'report', what: 'unstable', code: 'FILE_UNSTABLE', key, path, reason };
}

/** A photo that a cut-off move left at a temporary key is never downloaded to it. */
function rulesFor({ key, row }: Triple, rules: Rules): Rules {
  if (!row || rules.policy.orphans !== 'download' || !isAsideKey(key)) return rules;
  return { ...rules, policy: { ...rules.policy, orphans: 'mark' } };
}

function nameSome(problems: readonly Problem[]): string {
  const named = problems.slice(0, NAMED).map(({ message }) => message);
  return [...named, ...(problems.length > NAMED ? [`and ${problems.length - NAMED} more`] : [])].join('; ');
}

function fileNameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1).normalize('NFC');
}
