/** What commands share that go through libraries and sync none of them: which ones, what fails, how it ends. */
import type { Rollcall } from '../compose.ts';
import { asRollcallError, ExitCode, RollcallError } from '../errors.ts';
import { allLibraries } from '../sync/resolve-scopes.ts';
import type { Library } from '../sync/types.ts';
import type { PlaceArguments } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import type { Session } from './session.ts';
import { withRollcall } from './sync.ts';
import type { SyncJob } from './sync-arguments.ts';
import { oneLine, printable } from './text.ts';

/** Brings the parts up for a command on a place. Nothing is synced: what a mistyped folder made is no library. */
export function withKnownPlace(
  session: Session,
  given: PlaceArguments,
  target: SyncJob['target'],
  work: (rollcall: Rollcall) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withRollcall(session, target, async (rollcall) => {
    try {
      tellUnknown(session, given, rollcall);
      return await work(rollcall);
    } finally {
      const { libraries, library, libraryIsNew } = rollcall;
      if (libraryIsNew) await libraries.removeUnused(library.id).catch(() => {});
    }
  });
}

/** Of a folder that was never synced nothing can wait: more likely its name is wrong. */
function tellUnknown({ screen }: Session, { folder }: PlaceArguments, { library, libraryIsNew }: Rollcall): void {
  if (folder === undefined || !libraryIsNew) return;
  const place = `s3://${library.bucket}/${library.prefix}`;
  screen.say(`Nothing of ${printable(library.root)} has been synced to ${printable(place)} yet.`);
}

/** The libraries that a command is about: the folder's, the one that is named, or all. NOT_FOUND. */
export async function librariesOf(
  { folder, library }: PlaceArguments,
  rollcall: Rollcall,
): Promise<readonly Library[]> {
  if (folder !== undefined) return [rollcall.library];
  if (library === undefined) return allLibraries(rollcall.libraries);
  const found = await rollcall.libraries.find(library);
  if (found === null) throw new RollcallError('NOT_FOUND', `there is no library ${library}`, { field: '--library' });
  return [found];
}

/** One library after the other: one that cannot be looked at stops none of the others. Answers what went wrong. */
export async function eachLibrary(
  session: Session,
  libraries: readonly Library[],
  work: (library: Library) => Promise<void>,
): Promise<readonly RollcallError[]> {
  const errors: RollcallError[] = [];
  for (const library of libraries) {
    try {
      await work(library);
    } catch (thrown) {
      const error = asRollcallError(thrown);
      if (error.code === 'CANCELLED' || error.code.startsWith('DATABASE_')) throw error;
      errors.push(error);
      tellFailure(session, library, error);
    }
  }
  return errors;
}

function tellFailure({ options, screen, log }: Session, library: Library, error: RollcallError): void {
  const message = oneLine(error.message);
  log.file.error({ err: error, code: error.code, library: library.name }, message);
  screen.live(null);
  if (options.json) screen.print(jsonLine({ type: 'error', library: library.name, code: error.code, message }));
  screen.say(`${screen.paint.err('red', `${printable(library.name)}:`)} ${message} (${error.code})`);
}

/** The worst exit code: of a library that could not be looked at, then of a photo that failed. */
export function worstExitCode(errors: readonly RollcallError[], someFailed: boolean): ExitCode {
  const codes = errors.map(({ exitCode }) => exitCode);
  return codes.reduce<ExitCode>(
    (worst, code) => (code > worst ? code : worst),
    someFailed ? ExitCode.photosFailed : ExitCode.ok,
  );
}
