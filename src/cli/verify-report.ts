/** What a verify found as a person reads it: every damaged photo by name, what is wrong with it, and what to do. Pure. */
import type { Failure, Report } from '../sync/types.ts';
import type { PlaceArguments } from './invocation.ts';
import { alarms } from './report.ts';
import type { Paint } from './screen.ts';
import { bytes, count, counted, dollars, duration, oneLine, padded, printable } from './text.ts';

/** What the command was given, so that what is advised is about the same photos. */
export type VerifiedPlace = PlaceArguments & { readonly sample?: number };

/** A photo, and all that was found wrong with it. */
interface Finding {
  readonly path: string;
  readonly faults: readonly Failure[];
}

interface Kind {
  readonly heading: string;
  is(codes: ReadonlySet<string>, finding: Finding): boolean;
  /** What to do; `sync` makes a command line about the albums of these photos. */
  advice(sync: (flags: string) => readonly string[]): readonly string[];
  /** Name each photo with what was found; left out: the heading says it all. */
  readonly named?: true;
}

const inBucket = (codes: ReadonlySet<string>) => [...codes].some((code) => code.startsWith('OBJECT_'));

/** The first that fits is what a photo is told under. */
const KINDS: readonly Kind[] = [
  {
    heading: 'LOST, gone from disk and bucket both',
    is: (_codes, { faults }) => faults.some(({ message }) => message.startsWith('LOST')),
    advice: (sync) => ['Put them back from a backup, and then:', ...sync('')],
  },
  {
    heading: 'Damaged on disk, and not to be had from the bucket',
    is: (codes) => codes.has('DISK_DAMAGED') && inBucket(codes),
    advice: (sync) => ['Put the files back from a backup, and then:', ...sync('')],
    named: true,
  },
  {
    heading: 'Damaged on disk, whole in the bucket',
    is: (codes) => codes.has('DISK_DAMAGED'),
    advice: (sync) => [
      'Their bytes have changed though their sizes and dates have not. Move the files out of the library, and then:',
      ...sync('--direction down'),
      'It downloads them, and whatever else these albums lack on disk. If you changed them yourself, with a tool that',
      'keeps dates, touch the files instead: the next sync uploads them.',
    ],
  },
  {
    heading: 'Damaged in the bucket',
    is: (codes) => codes.has('OBJECT_DAMAGED'),
    advice: (sync) => ['Uploaded again from their files, if those are whole, by:', ...sync('')],
    named: true,
  },
  {
    heading: 'Missing from the bucket',
    is: (codes) => codes.has('OBJECT_MISSING'),
    advice: (sync) => ['Uploaded again by:', ...sync('')],
  },
  {
    heading: 'Replaced in the bucket, by something that is not on disk',
    is: (codes) => codes.has('OBJECT_CHANGED'),
    advice: (sync) => [
      "To take the bucket's version:",
      ...sync('--direction down'),
      "To put the disk's version back over it:",
      ...sync('--overwrite source'),
    ],
  },
  {
    heading: 'Different on disk and in the bucket, and nothing on record tells which is right',
    is: (codes) => codes.has('SIDES_DIFFER'),
    advice: (sync) => [
      "Neither replaces the other by itself. To take the bucket's, move the files out of the library, and then:",
      ...sync('--direction down'),
      "To take the disk's, touch the files: the next sync uploads them.",
    ],
  },
  {
    heading: 'Could not be read, so nothing is known of them',
    is: () => true,
    advice: () => [],
    named: true,
  },
];

/** The lines of a verify's report. */
export function verifyLines(report: Report, place: VerifiedPlace, paint: Paint): string[] {
  const byPath = Map.groupBy(report.failures, ({ path }) => path);
  // Many are read at once, and end in any order.
  const findings = [...byPath].map(([path, faults]): Finding => ({ path, faults })).sort(byPathOrder);
  const byKind = Map.groupBy(findings, (finding) => kindOf(finding));
  const unlisted = report.actions.failed - report.failures.length;
  return [
    ...alarms(report, paint),
    ...KINDS.flatMap((kind) => kindLines(kind, byKind.get(kind) ?? [], place, paint)),
    ...(unlisted > 0 ? [paint('red', `And ${counted(unlisted, 'more problem')}: the log names all.`), ''] : []),
    headline(report, place, paint),
    ...table(report, paint),
  ];
}

function byPathOrder(a: Finding, b: Finding): number {
  return a.path < b.path ? -1 : 1;
}

function kindOf(finding: Finding): Kind | undefined {
  const codes = new Set(finding.faults.map(({ code }) => code));
  return KINDS.find((kind) => kind.is(codes, finding));
}

function kindLines(kind: Kind, findings: readonly Finding[], place: VerifiedPlace, paint: Paint): string[] {
  if (findings.length === 0) return [];
  const albums = [...new Set(findings.map(({ path }) => albumOf(path)))].sort();
  const advice = kind.advice((flags) => syncLines(place, flags, albums));
  return [
    paint('red', `${kind.heading} (${count(findings.length)}):`),
    ...findings.flatMap((finding) => findingLines(finding, kind.named === true, paint)),
    ...advice.map((line) => `  ${line}`),
    '',
  ];
}

function findingLines({ path, faults }: Finding, named: boolean, paint: Paint): string[] {
  if (!named) return [`  ${printable(path)}`];
  return faults.map(({ code, message }) => `  ${printable(path)}: ${oneLine(message)} ${paint('dim', `(${code})`)}`);
}

const COMMANDS = 5;

/** A command for each album, so that nothing else is touched. */
function syncLines({ folder, target, library }: VerifiedPlace, flags: string, albums: readonly string[]): string[] {
  const words = [
    'rollcall sync',
    ...(folder === undefined ? [] : [quoted(folder)]),
    ...(target === undefined ? [] : [quoted(target)]),
    ...(library === undefined ? [] : [`--library ${quoted(library)}`]),
    ...(flags === '' ? [] : [flags]),
  ];
  const lines = albums.slice(0, COMMANDS).map((album) => `  ${words.join(' ')} --album ${quoted(album)}`);
  const more = albums.length - lines.length;
  return more > 0 ? [...lines, `  … and so on for ${counted(more, 'more album')}`] : lines;
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\p{L}\p{N}_@%+=:,./-]+$/u.test(word) ? word : `'${printable(word).replaceAll("'", `'\\''`)}'`;
}

function albumOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '.' : path.slice(0, end);
}

function headline(report: Report, { sample }: VerifiedPlace, paint: Paint): string {
  const took = duration(report.durationMs);
  const { photos = 0, damaged = 0 } = report.checked ?? {};
  const what = `${counted(photos, 'photo')}${sample === undefined ? '' : ` (a sample of ${sample}%)`}`;
  const { error } = report;
  if (error?.code === 'CANCELLED') {
    const next = sample === undefined ? 'the next rollcall verify goes on from here' : 'what was checked stays checked';
    return paint('yellow', `Stopped after ${took} and ${what}; ${next}.`);
  }
  if (error !== undefined) {
    const why = `${oneLine(error.message)} (${error.code})`;
    if (report.status === 'refused') return paint('red', `Refused, nothing was checked: ${why}.`);
    return paint('red', `Broke off after ${took} and ${what}: ${why}. The next rollcall verify goes on from here.`);
  }
  if (photos === 0 && report.status === 'succeeded')
    return 'There was nothing to check: no photo in it has been synced.';
  if (report.status === 'succeeded') return paint('green', `Checked ${what} in ${took}: no damage.`);
  const found = damaged > 0 ? `${counted(damaged, 'photo')} damaged` : 'not all of them could be read';
  return paint('red', `Checked ${what} in ${took}: ${found}.`);
}

/** What the counts of a verify are called. */
const WORDS = [
  ['whole', 'whole'],
  ['changed', 'changed since the last sync'],
  ['gone', 'gone from disk since the last sync'],
  ['archived', 'archived'],
  ['damaged', 'damaged'],
  ['unreadable', 'not readable'],
] as const;

function table({ checked, requests, cost, runId }: Report, paint: Paint): string[] {
  const rows = [
    ['Photos', WORDS.flatMap(([of, word]) => (checked?.[of] ? [`${count(checked[of])} ${word}`] : [])).join(', ')],
    ['Read', checked === undefined ? '' : bytes(checked.bytes)],
    ['Requests', `${listed(requests) || 'none'} (${dollars(cost.usd)})`],
    ['Run', runId],
  ] as const;
  return rows.filter(([, text]) => text !== '').map(([label, text]) => `  ${paint('dim', padded(label, 9))} ${text}`);
}

function listed(requests: Report['requests']): string {
  const some = Object.entries(requests).filter(([, n]) => n > 0);
  return some.map(([name, n]) => `${count(n)} ${name.toUpperCase()}`).join(', ');
}
