/** The longer texts of `--help`. */

export const ROLLCALL_HELP = `
First steps (in a clone: npx rollcall …):
  rollcall serve                                 try it: database, bucket and demo photos are brought along
  rollcall status                                what a sync would do
  rollcall sync                                  do it, for every configured library
  rollcall sync ~/Pictures s3://my-bucket/photos --dry-run
  rollcall moves                                 only rename in the bucket what was renamed on disk
  rollcall verify                                read everything on both sides and look for damage
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

export const WORKER_HELP = `
Takes syncs from the queue that \`rollcall serve\` keeps in its database: those that were asked for with Prefer:
respond-async, and the nightly reconciliation. A library's sync is shared out album by album over all who work. It needs
the server's DATABASE_URL and bucket settings, and every library at the same path as on the server; on the server's
own machine its DATA_DIR is enough. Ctrl-C finishes what is in hand or gives it back; when a worker is killed, another one
takes up its albums within half a minute.

Examples:
  DATABASE_URL=postgresql://me@db/rollcall S3_BUCKET=my-photos rollcall worker
  rollcall worker --concurrency 8`;

export const SYNC_HELP = `
Photos that the bucket lacks are uploaded, missing objects are brought back, photos gone from disk are marked
and their objects kept. A photo that was renamed or put into another folder is renamed in the bucket too: copied there
by the server, nothing is uploaded. Nothing else is deleted without --delete or --orphans delete. With --direction both, what
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

export const MOVES_HELP = `
Knows a photo again under another name or in another folder, by its file number (inode), size and time, or by
size and content, and renames its object: a copy made by the server, verified, and only then the old
object goes. No byte is uploaded, the photo keeps its id, and an album that moved as a whole keeps its own. New photos,
edits and photos gone from disk are left for \`rollcall sync\`, which does renames too.

A rename from one album to another needs both in scope: leave --album out. An archived object (GLACIER,
DEEP_ARCHIVE) cannot be copied before it is restored: it waits, see \`rollcall restore\`.

Examples:
  rollcall moves --dry-run                       which renames there are; nothing is touched
  rollcall moves                                 in every configured library
  rollcall moves ~/Pictures s3://my-bucket/photos/
  rollcall moves --plan-out renames.json         save the plan; later: rollcall apply renames.json`;

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
comments. Every target is synced in its turn, renames first, whatever came of those before it; a line that is wrong
is named by its number and left out. The flags hold for all targets. At the end there is a table of all lines, and the
exit code is the worst of theirs (2 for a bad line).

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

export const VERIFY_HELP = `
A sync goes by sizes, dates and ETags: it is fast, and does not see a disk that rots. This reads every byte, of each file
and of its object, and holds both against what was recorded when they were synced. Nothing is changed but what the
catalog says of when a photo was checked and what was found. Syncs go on meanwhile.

  damaged on disk      other bytes under the same size and date: it is never uploaded over the good object
  damaged in bucket    other bytes under the same ETag: the next sync replaces it from the file, if that is whole
  missing, replaced    there is no object, or one that is not on record
  not readable         no permission, a disk error, a denied request: nothing is known of it
  changed, gone        since the last sync, on disk: no damage, the next sync sees to it

Every damaged photo is named, with what to do about it. The exit code is 1 for damage and for what could not be read.

Everything is downloaded once: from a cloud that costs money and time. --sample spreads it: 5% a day reads everything
in 20 days, because those checked longest ago come first. A verify of everything that was stopped or killed goes
on where it was.

Examples:
  rollcall verify                                every configured library
  rollcall verify --sample 5%                    a share of it, for every night
  rollcall verify --album 2024/summer            the files directly in one album
  rollcall verify ~/Pictures s3://my-bucket/photos/
  rollcall verify --json | tail -n 1             the report, for a program`;

export const MEDIA_HELP = `
Reads each photo once for what it tells of itself (when it was taken, camera, lens, exposure, place, rating, keywords; XMP
sidecars included) and puts two smaller WebP pictures into the bucket under S3_VARIANTS_PREFIX: thumb (320 pixels) and
preview (1600). \`rollcall serve\` does this on its own after each sync; this command is for who runs none, or wants it now.

What was looked at is not looked at again until its bytes or its sidecar change. A format that cannot be previewed, a
corrupt file, a picture of more than MAX_PIXELS: each is synced all the same, and says so in its row.

Examples:
  rollcall media                            whatever is missing, in every configured library
  rollcall media --album 2024/summer        the files directly in one album
  rollcall media --all                      everything again: after an update that renders better pictures`;

export const RESTORE_HELP = `
Objects in the storage classes GLACIER and DEEP_ARCHIVE cannot be copied or downloaded at once. A sync that
meets one for a rename or a download leaves it waiting; this command asks for all that wait to be made
readable for --days days. Those that were asked for already are not asked for, or paid for, again.

It COSTS MONEY: for each object, for each gigabyte, and for keeping the restored copies. It takes time: a
restored copy is there after

  --tier        GLACIER           DEEP_ARCHIVE      price
  Bulk          5 to 12 hours     within 48 hours   the lowest
  Standard      3 to 5 hours      within 12 hours
  Expedited     1 to 5 minutes    not offered       by far the highest

(Amazon's figures; other servers have their own.) What waits, without a request to the bucket, is also in
LOG_DIR/archive_restore_needed.log, a line for each object.

Examples:
  rollcall restore-status                        what waits, before you pay for anything
  rollcall restore                               for every configured library: 7 days, Standard
  rollcall restore --tier Bulk --days 14
  rollcall restore ~/Pictures s3://my-bucket/photos/
Then, hours later:
  rollcall restore-status                        how far it is
  rollcall sync                                  does what has waited, while the copies last`;

export const RESTORE_STATUS_HELP = `
Looks at every archived object that a rename or a download waits for (a HEAD request each) and prints one line
for each:

  waiting        nobody has asked for it yet: rollcall restore
  in progress    it was asked for; hours are usual
  readable       until the time shown: rollcall sync does what has waited
  failed         asking was refused, or the object is gone; the line says why

The exit code is 0 while things wait, and 1 if something failed.

Examples:
  rollcall restore-status
  rollcall restore-status --library Family
  rollcall restore-status --json | tail -n 1     how many of each, for a program`;

export const TOKEN_HELP = `
Tokens let programs and people into the API with no more than they need:

  read     look at everything: photos, runs, health, metrics; addresses of pictures
  sync     read, and sync, compare, upload, download, reconcile, restore, cancel
  admin    everything: libraries too, removing objects, orphans: delete; what API_TOKEN may do

The server knows them by a file that API_TOKENS_FILE names, a line each, and takes a change of it from the next
request on:

  scope | name | sha256-of-the-token | expires

The file must be closed to others (chmod 600). To exchange a token: add a new one under the same name, hand it out,
take the old line away.

Examples:
  rollcall token --scope read --name gallery
  rollcall token --scope sync --name laptop --expires 2027-01-31 --add
  TOKEN=$(rollcall token --scope read --name prometheus --add)`;
