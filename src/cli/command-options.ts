/** Options that several commands share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { RESTORE_DAYS } from '../sync/restore-request.ts';
import type { Moves } from '../sync/types.ts';

/** Where: a folder and its place, or a configured library; and the policies. */
export function addScopeAndPolicies(command: Command): Command {
  return addPolicies(addAlbum(addScope(command)));
}

/** A folder and its place, or a configured library. */
export function addScope(command: Command): Command {
  return command
    .argument('[folder]', 'folder of albums; left out: every configured library')
    .argument('[s3://bucket/prefix]', 'where it syncs to; left out: the configured bucket and prefix')
    .option('--library <name|id>', 'only this library', filled);
}

/** One folder of it. */
export function addAlbum(command: Command): Command {
  const what = 'only the files directly in this album, a path inside the library; . is its root';
  return command.option('--album <path>', what, filled);
}

/** Every policy has its flag (DESIGN 3). */
export function addPolicies(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--direction <way>',
        'up, from disk to bucket (the default); down, from bucket to disk; both, down and then up',
      ).choices(['up', 'down', 'both']),
    )
    .addOption(
      new Option(
        '--compare <how>',
        'existence: by size, time and recorded ETag (the default); content: read what no MD5 on record speaks for',
      ).choices(['existence', 'content']),
    )
    .addOption(
      new Option(
        '--overwrite <what>',
        'what differs and may be replaced: never, nothing (the default of both); known, what is on record as ours ' +
          '(the default of up and down); newer, the older one; source, whatever is where it syncs to',
      ).choices(['never', 'known', 'newer', 'source']),
    )
    .addOption(
      new Option(
        '--orphans <what>',
        'photos gone from disk: mark them and keep their objects (the default of up); download, bring them back (the ' +
          'default of down and both); delete the objects after ORPHAN_GRACE_DAYS',
      ).choices(['mark', 'download', 'delete']),
    )
    .addOption(
      new Option(
        '--moves <what>',
        'photos renamed on disk: true, rename them in the bucket too, without uploading (the default of up and both); ' +
          'false, upload them under the new name and orphan the old one; only, do nothing but renames',
      )
        .choices(['true', 'false', 'only'])
        .argParser(movesOf),
    )
    .option('--delete', 'delete the objects of photos gone from disk now, without the days of grace')
    .option('--max-delete <n|n%>', 'refuse to run if more would be deleted; instead of MAX_DELETE', filled);
}

/** An empty value is a shell variable that was not set: never to be read as "everything". */
export function filled(value: string): string {
  if (value.trim() === '') throw new InvalidArgumentError('It is empty.');
  return value;
}

/** Commander's own check of `choices` gives way to this one, which makes a policy of the word. */
function movesOf(word: string): Moves {
  if (word === 'true' || word === 'false') return word === 'true';
  if (word === 'only') return word;
  throw new InvalidArgumentError('Allowed choices are true, false, only.');
}

/** Of `verify`: `5%`, `0.5%` or `5`. */
export function shareOf(text: string): number {
  const share = /^\d{1,3}(\.\d{1,6})?%?$/.test(text) ? Number.parseFloat(text) : 0;
  if (share <= 0 || share > 100)
    throw new InvalidArgumentError('It must be a share like 5%, above 0 and at most 100%.');
  return share;
}

/** Of `restore`: a whole number of days within the bounds. */
export function daysOf(text: string): number {
  const { least, most } = RESTORE_DAYS;
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days < least || days > most)
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  return days;
}
