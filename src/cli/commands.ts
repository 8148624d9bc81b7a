/** The commands of the command line: their arguments, options and help. No I/O. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { RESTORE_TIERS, USUAL_RESTORE } from '../sync/restore-request.ts';
import { addAlbum, addPolicies, addScope, addScopeAndPolicies, daysOf, filled, shareOf } from './command-options.ts';
import {
  APPLY_HELP,
  BATCH_HELP,
  INIT_HELP,
  MEDIA_HELP,
  MOVES_HELP,
  RESTORE_HELP,
  RESTORE_STATUS_HELP,
  ROLLCALL_HELP,
  SERVE_HELP,
  STATUS_HELP,
  SYNC_HELP,
  TOKEN_HELP,
  VERIFY_HELP,
  WORKER_HELP,
} from './help-texts.ts';
import type {
  BatchArguments,
  GlobalOptions,
  Invocation,
  MediaArguments,
  RestoreArguments,
  SyncArguments,
  TokenArguments,
  VerifyArguments,
} from './invocation.ts';

/** Albums that a worker syncs at a time. */
const USUAL_CONCURRENCY = 2;
const MOST_CONCURRENCY = 32;

/** A program that tells `ask` what it was asked for. */
export function rollcallProgram(version: string, ask: (invocation: Invocation) => void): Command {
  const program = new Command('rollcall')
    .description('Keeps a photo library in agreement: album folders on disk, rows in PostgreSQL, objects in S3.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .option('--json', 'write JSON lines to standard output; log lines go to standard error')
    .option('-v, --verbose', 'show log lines from LOG_LEVEL on, not only warnings')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', ROLLCALL_HELP);
  addServe(program, ask);
  addWorker(program, ask);
  addSync(program, ask);
  addMoves(program, ask);
  addStatus(program, ask);
  addApply(program, ask);
  addBatch(program, ask);
  addInit(program, ask);
  addToken(program, ask);
  addVerify(program, ask);
  addMedia(program, ask);
  addRestore(program, ask);
  addRestoreStatus(program, ask);
  return program;
}

function addServe(program: Command, ask: (invocation: Invocation) => void): void {
  program
    .command('serve')
    .description('run the server: the HTTP API, and whatever is not configured brought along')
    .addHelpText('after', SERVE_HELP)
    .action(() => ask({ command: 'serve', options: globalsOf(program) }));
}

function addWorker(program: Command, ask: (invocation: Invocation) => void): void {
  program
    .command('worker')
    .description('work the queue of a running server too, here or on another machine')
    .addOption(
      new Option('--concurrency <n>', 'so many albums at a time').argParser(concurrencyOf).default(USUAL_CONCURRENCY),
    )
    .addHelpText('after', WORKER_HELP)
    .action(({ concurrency }: { concurrency: number }) =>
      ask({ command: 'worker', options: globalsOf(program), concurrency }),
    );
}

function concurrencyOf(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > MOST_CONCURRENCY) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_CONCURRENCY}.`);
  }
  return value;
}

function addSync(program: Command, ask: (invocation: Invocation) => void): void {
  const sync = program
    .command('sync')
    .description('bring disk, database and bucket into agreement')
    .addHelpText('after', SYNC_HELP);
  addPlanning(addScopeAndPolicies(sync))
    .option('-w, --watch', 'stay, and sync again whenever files change; Ctrl-C stops')
    .action((folder: string | undefined, target: string | undefined, given: object) =>
      ask({ command: 'sync', options: globalsOf(program), arguments: syncArguments(folder, target, given) }),
    );
}

function addMoves(program: Command, ask: (invocation: Invocation) => void): void {
  const moves = program
    .command('moves')
    .description('rename in the bucket what was renamed on disk; upload and delete nothing else')
    .addHelpText('after', MOVES_HELP);
  addPlanning(addAlbum(addScope(moves))).action(
    (folder: string | undefined, target: string | undefined, given: object) =>
      ask({ command: 'moves', options: globalsOf(program), arguments: syncArguments(folder, target, given) }),
  );
}

function addPlanning(command: Command): Command {
  return command
    .option('-n, --dry-run', 'print what would be done and touch nothing')
    .option('--plan-out <file>', 'save the plan to a new file for `rollcall apply` and touch nothing else')
    .option('--all', 'with --dry-run: print every change, not the first 20 of each kind');
}

function addStatus(program: Command, ask: (invocation: Invocation) => void): void {
  const status = program
    .command('status')
    .description('print what a sync would do; touch nothing')
    .addHelpText('after', STATUS_HELP);
  addScopeAndPolicies(status)
    .option('--all', 'print every change, not the first 20 of each kind')
    .action((folder: string | undefined, target: string | undefined, given: object) =>
      ask({ command: 'status', options: globalsOf(program), arguments: syncArguments(folder, target, given) }),
    );
}

function addApply(program: Command, ask: (invocation: Invocation) => void): void {
  program
    .command('apply')
    .description('run a plan saved by `rollcall sync --plan-out`')
    .argument('<plan.json>', 'the saved plan')
    .addHelpText('after', APPLY_HELP)
    .action((planFile: string) => ask({ command: 'apply', options: globalsOf(program), planFile }));
}

function addBatch(program: Command, ask: (invocation: Invocation) => void): void {
  const batch = program
    .command('batch')
    .description('sync every folder of a config file, one after the other')
    .option('--config <file>', 'the config file; left out: ~/.rollcall.conf', filled)
    .addHelpText('after', BATCH_HELP);
  addPolicies(batch)
    .option('-n, --dry-run', 'print what would be done and touch nothing')
    .option('--all', 'with --dry-run: print every change, not the first 20 of each kind')
    .action((given: Partial<BatchArguments>) => {
      const asked = { delete: false, dryRun: false, all: false, ...given };
      ask({ command: 'batch', options: globalsOf(program), arguments: asked });
    });
}

function addInit(program: Command, ask: (invocation: Invocation) => void): void {
  program
    .command('init')
    .description('write a sample config file for `rollcall batch`; never over one that is there')
    .argument('[file]', 'where; left out: ~/.rollcall.conf', filled)
    .addHelpText('after', INIT_HELP)
    .action((file: string | undefined) =>
      ask({ command: 'init', options: globalsOf(program), ...(file !== undefined && { file }) }),
    );
}

function addToken(program: Command, ask: (invocation: Invocation) => void): void {
  program
    .command('token')
    .description('make a token for the API; it is printed once and kept nowhere')
    .addOption(
      new Option('--scope <scope>', 'what its bearer may do: read; sync too; or everything, as admin')
        .choices(['read', 'sync', 'admin'])
        .makeOptionMandatory(),
    )
    .requiredOption('--name <name>', 'who or what it is for; the log of requests has it', filled)
    .option('--expires <day>', 'good until then, like 2027-01-31; left out: until its line is taken away', filled)
    .option('--add', 'add its line to API_TOKENS_FILE')
    .addHelpText('after', TOKEN_HELP)
    .action((given: Omit<TokenArguments, 'add'> & { readonly add?: true }) =>
      ask({ command: 'token', options: globalsOf(program), arguments: { ...given, add: given.add === true } }),
    );
}

function addVerify(program: Command, ask: (invocation: Invocation) => void): void {
  const verify = program
    .command('verify')
    .description('read every photo on disk and in the bucket and look for damage; change neither')
    .addHelpText('after', VERIFY_HELP);
  addAlbum(addScope(verify))
    .addOption(
      new Option('--sample <n%>', 'only this share of the photos, those checked longest ago').argParser(shareOf),
    )
    .action(
      (folder: string | undefined, target: string | undefined, given: Pick<VerifyArguments, 'album' | 'sample'>) =>
        ask({ command: 'verify', options: globalsOf(program), arguments: { ...given, ...placeOf(folder, target) } }),
    );
}

function addMedia(program: Command, ask: (invocation: Invocation) => void): void {
  const media = program
    .command('media')
    .description('look at the pictures: when and with what they were taken, previews in the bucket')
    .addHelpText('after', MEDIA_HELP);
  addAlbum(addScope(media))
    .addOption(
      new Option('--missing', 'what nobody has looked at, or has lost its previews; the default').conflicts('all'),
    )
    .option('--all', 'every photo again')
    .action((folder: string | undefined, target: string | undefined, given: MediaOptions) => {
      const { missing: _default, all = false, ...rest } = given;
      ask({ command: 'media', options: globalsOf(program), arguments: { ...rest, all, ...placeOf(folder, target) } });
    });
}

type MediaOptions = Partial<Pick<MediaArguments, 'album' | 'all' | 'library'>> & { readonly missing?: true };

function addRestore(program: Command, ask: (invocation: Invocation) => void): void {
  const restore = program
    .command('restore')
    .description('ask for the archived objects that moves and downloads wait for; costs money, takes hours')
    .addHelpText('after', RESTORE_HELP);
  addScope(restore)
    .addOption(
      new Option('--days <n>', 'how long the restored copies can be read')
        .argParser(daysOf)
        .default(USUAL_RESTORE.days),
    )
    .addOption(
      new Option('--tier <name>', 'how fast, and how dear: see below')
        .choices([...RESTORE_TIERS])
        .default(USUAL_RESTORE.tier),
    )
    .action((folder: string | undefined, target: string | undefined, given: Pick<RestoreArguments, 'days' | 'tier'>) =>
      ask({ command: 'restore', options: globalsOf(program), arguments: { ...given, ...placeOf(folder, target) } }),
    );
}

function addRestoreStatus(program: Command, ask: (invocation: Invocation) => void): void {
  const status = program
    .command('restore-status')
    .description('print how far the restores are; ask for none')
    .addHelpText('after', RESTORE_STATUS_HELP);
  addScope(status).action((folder: string | undefined, target: string | undefined, given: object) =>
    ask({
      command: 'restore-status',
      options: globalsOf(program),
      arguments: { ...given, ...placeOf(folder, target) },
    }),
  );
}

function globalsOf(program: Command): GlobalOptions {
  const { json, verbose } = program.opts<{ json?: boolean; verbose?: boolean }>();
  return { json: json === true, verbose: verbose === true };
}

function syncArguments(folder: string | undefined, target: string | undefined, given: object): SyncArguments {
  return {
    delete: false,
    dryRun: false,
    watch: false,
    all: false,
    ...given,
    ...placeOf(folder, target),
  };
}

function placeOf(folder: string | undefined, target: string | undefined): Pick<SyncArguments, 'folder' | 'target'> {
  return { ...(folder !== undefined && { folder }), ...(target !== undefined && { target }) };
}
