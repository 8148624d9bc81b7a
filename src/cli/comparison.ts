/** What a comparison by content found, as a person reads it. Pure. */
import type { Compared } from '../sync/service.ts';
import type { Paint, Style } from './screen.ts';
import { bytes, columnsOf, count, padded, printable } from './text.ts';

const FIRST = 20;
const WIDEST_NAME = 60;

const REASONS = {
  content_mismatch: 'other content',
  size_mismatch: 'another size',
  unknown: 'its ETag does not tell, or it changed meanwhile',
} as const;

interface Line {
  readonly name: string;
  readonly note: string;
}

/** The lines of one comparison: what agrees is only counted unless `all`, of each other list the first 20 are named. */
export function comparisonLines({ library, album, lists }: Compared, all: boolean, paint: Paint): string[] {
  const where = `${library.name}${album === null ? '' : `, album ${album}`} = s3://${library.bucket}/${library.prefix}`;
  const sized = ({ filename, size }: { filename: string; size: number }) => ({ name: filename, note: bytes(size) });
  const differing = lists.different.map(({ filename, reason }) => ({ name: filename, note: REASONS[reason] }));
  const group = (style: Style, heading: string, lines: readonly Line[], first = FIRST) =>
    groupLines(paint(style, `${heading} (${count(lines.length)})`), lines, all ? lines.length : first, paint);
  return [
    paint('bold', `${printable(where)}, by content:`),
    ...group('cyan', 'Missing in S3', lists.missing_in_s3.map(sized)),
    ...group('cyan', 'Missing locally', lists.missing_locally.map(sized)),
    ...group('yellow', 'Different', differing),
    ...group('green', 'Identical', lists.identical.map(sized), 0),
    '',
  ];
}

function groupLines(heading: string, lines: readonly Line[], most: number, paint: Paint): string[] {
  const shown = lines.slice(0, most).map(({ name, note }) => ({ name: printable(name), note }));
  const width = Math.min(
    WIDEST_NAME,
    shown.reduce((widest, { name }) => Math.max(widest, columnsOf(name)), 0),
  );
  const more = lines.length - shown.length;
  const rest = most > 0 && more > 0 ? [`  … and ${count(more)} more (--all prints every one)`] : [];
  return [heading, ...shown.map(({ name, note }) => `  ${padded(name, width)}  ${paint('dim', note)}`), ...rest];
}
