/** `rollcall verify`: disk and bucket read and held against the catalog. */
import type { Rollcall } from '../compose.ts';
import type { ExitCode } from '../errors.ts';
import { albumPath } from '../sync/scope.ts';
import type { Resumed, VerifyRequest } from '../sync/service.ts';
import type { GlobalOptions, VerifyArguments } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import { withKnownPlace } from './library-commands.ts';
import type { Screen } from './screen.ts';
import { runCommand, type Session } from './session.ts';
import { reported } from './sync.ts';
import { placeTarget } from './sync-arguments.ts';
import { counted, dateTime, printable } from './text.ts';
import { verifyLines } from './verify-report.ts';

/** Runs `verify` to its exit code: 1 for damage and for what could not be read. BAD_INPUT for arguments that cannot be meant. */
export async function verify(given: VerifyArguments, options: GlobalOptions, screen: Screen): Promise<number> {
  const target = placeTarget(given, process.cwd());
  const { library, album, sample } = given;
  const request: VerifyRequest = {
    ...(library !== undefined && { library }),
    ...(album !== undefined && { album: albumPath(album, '--album') }),
    ...(sample !== undefined && { sample }),
  };
  return runCommand({
    name: 'verify',
    options,
    screen,
    stopping: 'Stopping: what was checked stays checked. Ctrl-C again stops at once.',
    body: (session) =>
      withKnownPlace(session, given, target, (rollcall) => {
        const scoped = target === null ? request : { ...request, library: rollcall.library.id };
        return run(session, given, scoped, rollcall);
      }),
  });
}

function run(session: Session, given: VerifyArguments, request: VerifyRequest, rollcall: Rollcall): Promise<ExitCode> {
  return reported(
    session,
    rollcall,
    (hooks) => {
      const onResume = (resumed: Resumed) => tellResumed(session, resumed);
      return rollcall.service.verify(request, { ...hooks, onResume }, session.signal);
    },
    { doing: 'Verifying', lines: (report, paint) => verifyLines(report, given, paint) },
  );
}

function tellResumed({ options, screen }: Session, { library, since, photos }: Resumed): void {
  if (options.json) screen.print(jsonLine({ type: 'resumed', library, since, photos }));
  const done = `${counted(photos, 'photo')} ${photos === 1 ? 'is' : 'are'} done already`;
  screen.say(
    `Going on with the verify of ${printable(library)} that began ${dateTime(since)} and was cut off: ${done}.`,
  );
}
