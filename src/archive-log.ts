/** `LOG_DIR/archive_restore_needed.log`: what waits for a restore, one line an object, kept until somebody removes it. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NewlyWaiting } from './sync/archive.ts';
import type { Clock, Log } from './sync/ports.ts';

const NAME = 'archive_restore_needed.log';

/**
 * Appends to the log: time, `s3://bucket/key`, storage class and what for, with tabs between them. A folder that cannot
 * be written is a warning and stops nothing: what waits is in the catalog too.
 */
export function archiveLog(dir: string, log: Log, now: Clock = Date.now): (waiting: readonly NewlyWaiting[]) => void {
  return (waiting) => {
    if (waiting.length === 0) return;
    const time = new Date(now()).toISOString();
    const lines = waiting.map(({ bucket, key, storageClass, what, path }) =>
      [time, `s3://${bucket}/${key}`, storageClass, `${what} to ${path}`].map(field).join('\t'),
    );
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      // One write: two processes' lines never mix.
      appendFileSync(join(dir, NAME), `${lines.join('\n')}\n`, { mode: 0o600 });
    } catch (cause) {
      log.warn({ err: cause }, `${NAME} could not be written (LOG_DIR)`);
    }
  };
}

/** A key may hold line breaks and tabs, or turn the writing around; a line is one object all the same. */
function field(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, (character) =>
    encodeURIComponent(character),
  );
}
