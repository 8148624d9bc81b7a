/** `rollcall media`: looks at the pictures of photos that nobody has looked at yet, or at all of them again. */
import type { ExitCode } from '../errors.ts';
import type { MediaService } from '../sync/media-service.ts';
import type { MediaCounts } from '../sync/media-store.ts';
import type { WorkedOn } from '../sync/media-work.ts';
import { albumPath } from '../sync/scope.ts';
import type { Library } from '../sync/types.ts';
import type { GlobalOptions, MediaArguments } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import { eachLibrary, librariesOf, withKnownPlace, worstExitCode } from './library-commands.ts';
import type { Screen } from './screen.ts';
import { runCommand, type Session } from './session.ts';
import { placeTarget } from './sync-arguments.ts';
import { count, counted, printable } from './text.ts';

/** Runs `media` to its exit code: 1 where the processing of a photo broke. BAD_INPUT for arguments that cannot be meant. */
export async function media(given: MediaArguments, options: GlobalOptions, screen: Screen): Promise<number> {
  const target = placeTarget(given, process.cwd());
  const album = given.album === undefined ? null : albumPath(given.album, '--album');
  return runCommand({
    name: 'media',
    options,
    screen,
    stopping: 'Stopping: what was looked at stays so. Ctrl-C again stops at once.',
    body: (session) =>
      withKnownPlace(session, given, target, async (rollcall) => {
        const libraries = await librariesOf(given, rollcall);
        return lookAtAll(session, { service: await rollcall.media(), album, all: given.all }, libraries);
      }),
  });
}

interface Asked {
  readonly service: MediaService;
  readonly album: string | null;
  readonly all: boolean;
}

async function lookAtAll(session: Session, asked: Asked, libraries: readonly Library[]): Promise<ExitCode> {
  let failed = 0;
  const errors = await eachLibrary(session, libraries, async (library) => {
    failed += await lookAt(session, asked, library);
  });
  return worstExitCode(errors, failed > 0);
}

/** Answers how many photos broke the processing. */
async function lookAt(session: Session, { service, album, all }: Asked, library: Library): Promise<number> {
  const { options, screen, signal } = session;
  const scope = { libraryId: library.id, ...(album !== null && { album }) };
  if (all) await service.demand(scope, 'all');
  else {
    await service.sweep(library, signal);
    await service.demand(scope, 'failed');
  }
  const { due } = await service.counts(scope, signal);
  const show = (sum: WorkedOn) => {
    if (options.json)
      screen.print(jsonLine({ type: 'progress', library: library.name, done: sum.claimed, total: due }));
    else screen.live(`Looking at ${printable(library.name)}: ${count(sum.claimed)}/${count(due)} photos`);
  };
  const done = await service.work(library, album === null ? {} : { album }, show, signal);
  const counts = await service.counts(scope, signal);
  screen.live(null);
  session.summarise({ [library.name]: done });
  if (options.json) screen.print(jsonLine({ type: 'report', library: library.name, done, photos: counts }));
  else for (const line of mediaLines(library.name, done, counts)) screen.print(line);
  return done.failed;
}

/** How it ended, for a person. */
export function mediaLines(name: string, done: WorkedOn, counts: MediaCounts): string[] {
  const { ready, unsupported, refused, corrupt, failed, due } = counts;
  const states = [
    [ready, 'with previews'],
    [unsupported, 'of formats that cannot be previewed'],
    [refused, 'too large to be decoded'],
    [corrupt, 'corrupt'],
    [failed, 'failed'],
    [due, 'still to be looked at'],
  ] as const;
  const told = states.filter(([photos]) => photos > 0).map(([photos, what]) => `${count(photos)} ${what}`);
  return [
    `${printable(name)}: looked at ${counted(done.claimed - done.changed, 'photo')}.`,
    ...(told.length > 0 ? [`  Photos  ${told.join(', ')}`] : []),
    ...(done.changed > 0
      ? [`  ${counted(done.changed, 'photo')} changed on disk since the last sync: sync first, then look again.`]
      : []),
  ];
}
