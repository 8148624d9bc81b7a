/** `rollcall restore` and `rollcall restore-status`: what waits for archived objects, library by library. */
import type { Rollcall } from '../compose.ts';
import type { ExitCode, RollcallError } from '../errors.ts';
import type { ArchivedObject } from '../sync/browse.ts';
import type { Library } from '../sync/types.ts';
import { archivedLines, countArchived, firstExpiry, nextSteps } from './archive-lines.ts';
import type { Invocation } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import { eachLibrary, librariesOf, withKnownPlace, worstExitCode } from './library-commands.ts';
import type { Screen } from './screen.ts';
import { runCommand, type Session } from './session.ts';
import { placeTarget } from './sync-arguments.ts';
import { printable } from './text.ts';

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
      withKnownPlace(session, asked.arguments, target, async (rollcall) =>
        runLibraries(session, asked, rollcall, await librariesOf(asked.arguments, rollcall)),
      ),
  });
}

async function runLibraries(
  session: Session,
  asked: Asked,
  { service }: Rollcall,
  libraries: readonly Library[],
): Promise<ExitCode> {
  const { options, screen, signal } = session;
  const all: ArchivedObject[] = [];
  const errors = await eachLibrary(session, libraries, async (library) => {
    if (!options.json) screen.live(`Looking at the archived objects of ${printable(library.name)}…`);
    const objects =
      asked.command === 'restore'
        ? await service.restore({ library: library.id, ...restoreOf(asked) }, signal)
        : await service.restoreStatus({ library: library.id }, signal);
    tellLibrary(session, library, objects);
    all.push(...objects);
  });
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
  return worstExitCode(errors, counts.failed > 0);
}
