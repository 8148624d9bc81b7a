/** What `rollcall serve` says when it is up: where everything is and what to do next. Pure. */
import type { Rollcall } from '../compose.ts';
import type { Config } from '../config.ts';
import type { Paint } from './screen.ts';
import { oneLine, printable } from './text.ts';

export interface Greeting {
  readonly version: string;
  readonly config: Pick<Config, 'apiToken'> & Partial<Pick<Config, 'apiTokensFile'>>;
  readonly rollcall: Pick<Rollcall, 'places' | 'notices'>;
  readonly address: string;
  /** The port that was asked for and taken by somebody else; the address has another. */
  readonly portWasBusy: number | null;
}

/** The lines of the greeting. */
export function greetingLines(greeting: Greeting, paint: Paint): string[] {
  const { version, config, rollcall, address, portWasBusy } = greeting;
  const { photos, database, bucket, dataDir } = rollcall.places;
  const notices = [
    ...(portWasBusy === null ? [] : [`Port ${portWasBusy} is in use by another program; this is another one.`]),
    ...rollcall.notices,
  ];
  const row = (label: string, text: string) => `  ${paint('dim', label.padEnd(9))} ${text}`;
  return [
    `${paint('bold', `Rollcall ${version}`)} is up at ${paint('cyan', address)}`,
    ...notices.map((notice) => paint('yellow', `Note: ${oneLine(notice)}`)),
    '',
    row('Photos', `${printable(photos.at)}${photos.demo ? ' (demo library)' : ''}`),
    row('Database', `${printable(database.at)}${database.embedded ? ' (embedded PostgreSQL)' : ''}`),
    row('Bucket', `${printable(bucket.at)}${bucket.embedded ? ' (embedded S3, for trying out)' : ''}`),
    ...(database.embedded || bucket.embedded ? [row('Data', `${printable(dataDir)} (of what is embedded)`)] : []),
    row('API', `${address}/docs`),
    '',
    ...ownLines(rollcall.places),
    'Sync now:',
    '  npx rollcall sync',
    `  curl -X POST ${address}/api/sync${curlToken(config)}`,
    '',
    paint('dim', 'Ctrl-C stops everything.'),
  ];
}

function curlToken({ apiToken, apiTokensFile = null }: Greeting['config']): string {
  if (apiToken !== null) return ' -H "Authorization: Bearer $API_TOKEN"';
  return apiTokensFile === null ? '' : ' -H "Authorization: Bearer $TOKEN"';
}

/** What to set instead of what was brought along; nothing if nothing was. */
function ownLines({ photos, database, bucket }: Rollcall['places']): string[] {
  const settings = [
    ...(photos.demo ? ['PHOTOS_ROOT=/path/to/your/photos'] : []),
    ...(database.embedded ? ['DATABASE_URL=postgresql://user:password@host:5432/rollcall'] : []),
    ...(bucket.embedded ? ['S3_BUCKET=your-bucket', 'S3_ENDPOINT=https://… (only if it is not on AWS)'] : []),
  ];
  if (settings.length === 0) return [];
  return ['To use your own, set in the environment or in .env:', ...settings.map((line) => `  ${line}`), ''];
}
