/** A sync of photos that a caller names one by one, by the usual rules. */
import { decide } from './decide.ts';
import type { Decide } from './plan-options.ts';
import { surveyPlan } from './prepare.ts';
import type { PlanSource } from './run.ts';

/** A file without a row may be a photo that was renamed, which would lose its id here: a sync of the library sees that. */
export const decideOnRecord: Decide = (triple, classified, rules) =>
  triple.row === undefined ? null : decide(triple, classified, rules);

/** The plan of those with these file names; one of which there is no row is told as a failure, never as done. */
export function onRecordPlan(files: readonly string[]): PlanSource {
  return async (current) => {
    const { library, album } = current.options.scope;
    const folder = album === null || album === '.' ? '' : `${album}/`;
    const paths = new Map(files.map((name) => [`${library.prefix}${folder}${name.normalize('NFC')}`, folder + name]));
    const rows = await current.sides.catalog.rowsByKey(library, [...paths.keys()], current.signal);
    for (const { key } of rows) paths.delete(key);
    for (const path of paths.values()) {
      const message = 'it is not on record: sync its library, which also sees whether it was renamed';
      current.tally.fail(path, { code: 'NOT_FOUND', message });
    }
    return surveyPlan(current);
  };
}
