/** `rollcall restore` and `rollcall restore-status`: what waits for archived objects, library by library. */
import type { Rollcall } from '../compose.ts';
import { asRollcallError, ExitCode, RollcallError } from '../errors.ts';
import type { ArchivedObject } from '../sync/browse.ts';
import { allLibraries } from '../sync/resolve-scopes.ts';
import type { Library } from '../sync/types.ts';
import { archivedLines, countArchived, firstExpiry, nextSteps } from './archive-lines.ts';
import type { Invocation, PlaceArguments } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import type { Screen } from './screen.ts';
import { runCommand, type Session } from './session.ts';
import { withRollcall } from './sync.ts';
import { placeTarget } from './sync-arguments.ts';
import { oneLine, printable } from './text.ts';

type Asked = Extract<Invocation, { command: 'restore' | 'restore-status' }>;

/** Runs `restore` or `restore-status` to its exit code. Throws BAD_INPUT for arguments that cannot be meant. */
export async function restore(asked: Asked, screen: Screen): Promise<number> {
  const target = placeTarget(asked.arguments, process.cwd());
  return runCommand({
    name: asked.command,
    options: asked.options,
    screen,
    stopping: 'Stopping: what was asked for stays asked for. Ctrl-C again stops at once.',
    body: (session) =>
      withRollcall(session, target, async (rollcall) => {
        try {
          tellUnknown(session, asked.arguments, rollcall);
          return await runLibraries(session, asked, rollcall, await librariesOf(asked.arguments, rollcall));
        } finally {
          // Nothing was synced: what a mistyped folder made is no library.
          if (rollcall.libraryIsNew) await rollcall.libraries.removeUnused(rollcall.library.id).catch(() => {});
        }
      }),
  });
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

/** Of a folder that was never synced nothing can wait: more likely its name is wrong. */
export function tellUnknown(
  { screen }: Session,
  { folder }: PlaceArguments,
  { library, libraryIsNew }: Rollcall,
): void {
  if (folder === undefined || !libraryIsNew) return;
  const place = `s3://${library.bucket}/${library.prefix}`;
  screen.say(`Nothing of ${printable(library.root)} has been synced to ${printable(place)} yet.`);
}

async function runLibraries(
  session: Session,
  asked: Asked,
  { service }: Rollcall,
  libraries: readonly Library[],
): Promise<ExitCode> {
  const { options, screen, signal } = session;
  const all: ArchivedObject[] = [];
  const errors: RollcallError[] = [];
  for (const library of libraries) {
    if (!options.json) screen.live(`Looking at the archived objects of ${printable(library.name)}…`);
    try {
      const objects =
        asked.command === 'restore'
          ? await service.restore({ library: library.id, ...restoreOf(asked) }, signal)
          : await service.restoreStatus({ library: library.id }, signal);
      tellLibrary(session, library, objects);
      all.push(...objects);
    } catch (thrown) {
      const error = asRollcallError(thrown);
      if (error.code === 'CANCELLED' || error.code.startsWith('DATABASE_')) throw error;
      errors.push(error);
      tellFailure(session, library, error);
    }
  }
  return tellEnd(session, all, errors);
}

function restoreOf({ arguments: { days, tier } }: Extract<Asked, { command: 'restore' }>) {
  return { days, tier };
}

function tellLibrary({ options, screen }: Session, library: Library, objects: readonly ArchivedObject[]): void {
  screen.live(null);
  if (options.json) {
    for (const object of objects) screen.print(jsonLine({ type: 'archived', library: library.name, ...object }));
  } else for (const line of archivedLines(library, objects, screen.paint.out)) screen.print(line);
}

/** One library that cannot be looked at stops none of the others. */
export function tellFailure({ options, screen, log }: Session, library: Library, error: RollcallError): void {
  const message = oneLine(error.message);
  log.file.error({ err: error, code: error.code, library: library.name }, message);
  screen.live(null);
  if (options.json) screen.print(jsonLine({ type: 'error', library: library.name, code: error.code, message }));
  screen.say(`${screen.paint.err('red', `${printable(library.name)}:`)} ${message} (${error.code})`);
}

/** Answers the worst exit code: of a bucket that cannot be used, then of an object that failed. */
function tellEnd(session: Session, objects: readonly ArchivedObject[], errors: readonly RollcallError[]): ExitCode {
  const { options, screen } = session;
  const counts = countArchived(objects);
  session.summarise({ archived: counts });
  if (options.json) {
    screen.print(
      jsonLine({ type: 'report', ...counts, errors: errors.map(({ code, message }) => ({ code, message })) }),
    );
  } else if (objects.length > 0 || errors.length === 0) {
    for (const line of nextSteps(counts, firstExpiry(objects))) screen.print(line);
  }
  const codes = errors.map(({ exitCode }) => exitCode);
  return codes.reduce<ExitCode>(
    (worst, code) => (code > worst ? code : worst),
    counts.failed > 0 ? ExitCode.photosFailed : ExitCode.ok,
  );
}
