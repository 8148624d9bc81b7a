/** The longer texts of `--help`. */

export const ROLLCALL_HELP = `
First steps (in a clone: npx rollcall …):
  rollcall serve                                 try it: database, bucket and demo photos are brought along
  rollcall status                                what a sync would do
  rollcall sync                                  do it, for every configured library
  rollcall sync ~/Pictures s3://my-bucket/photos --dry-run
  rollcall batch                                 every folder of ~/.rollcall.conf (rollcall init writes a sample)

Settings are environment variables or lines of a .env file; .env.example lists them all.
Exit codes: 0 all well, 1 some photos failed or are in conflict, 2 usage or configuration,
            3 refused by a guard, 4 database or bucket unreachable.`;

export const SERVE_HELP = `
Without DATABASE_URL, S3_BUCKET and PHOTOS_ROOT it brings a PostgreSQL, an S3 endpoint and a demo library
along; their data lies in DATA_DIR (./.data). Libraries whose sync is "both" (PATCH /api/libraries/…) are synced both
ways every SYNC_INTERVAL_SECONDS. Ctrl-C stops everything.

Examples:
  rollcall serve
  PORT=8080 PHOTOS_ROOT=~/Pictures rollcall serve
  DATABASE_URL=postgresql://me@db/rollcall S3_BUCKET=my-photos rollcall serve`;

export const SYNC_HELP = `
Photos that the bucket lacks are uploaded, missing objects are brought back, photos gone from disk are marked
and their objects kept. Nothing is deleted without --delete or --orphans delete. With --direction both, what
is on both sides is never replaced and what is gone from disk comes back.

Examples:
  rollcall sync                                  every configured library
  rollcall sync --album 2024/summer              the files directly in one album
  rollcall sync ~/Pictures                       this folder, to the configured bucket
  rollcall sync ~/Pictures s3://my-bucket/photos/
  rollcall sync --watch                          stay, and sync again whenever files change
  rollcall sync --dry-run                        the plan only, nothing touched
  rollcall sync --plan-out plan.json             save the plan; later: rollcall apply plan.json
  rollcall sync --direction both                 what only the bucket has comes down, what only the disk has goes up
  rollcall sync --delete --max-delete 100        also delete objects of photos gone from disk, 100 at most`;

export const STATUS_HELP = `
Reads disk, database and bucket like a sync and changes none of them. The exit code is 0 with changes pending too.

Examples:
  rollcall status
  rollcall status ~/Pictures s3://my-bucket/photos/ --all
  rollcall status --delete                       what a sync with --delete would do
  rollcall status --compare content              also every file against its object, by content, in four lists
  rollcall status --json | tail -n 1             the report with its plan, for a program`;

export const APPLY_HELP = `
Each step runs only if what the plan saw still holds; a step that no longer does is left alone and reported.

Example:
  rollcall sync --plan-out plan.json
  rollcall apply plan.json`;

export const BATCH_HELP = `
The config file names one target a line: local_path | bucket | prefix | excludes (comma-separated), with # for
comments. Every target is synced in its turn, whatever came of those before it; a line that is wrong is named by its
number and left out. The flags hold for all targets. At the end there is a table of all lines, and the exit code
is the worst of theirs (2 for a bad line).

Examples:
  rollcall init                                  write a sample ~/.rollcall.conf, then edit it
  rollcall batch --dry-run                       what would be done, target by target
  rollcall batch
  rollcall batch --config /etc/rollcall.conf --json | tail -n 1
A line of the file:
  ~/Pictures | my-bucket | photos/ | private/, *.xmp`;

export const INIT_HELP = `
All of the sample is comments: nothing is synced before you have written your own lines.

Examples:
  rollcall init                                  writes ~/.rollcall.conf
  rollcall init /etc/rollcall.conf`;
