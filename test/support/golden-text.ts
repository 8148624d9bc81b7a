/** The text of a golden scenario: Markdown that a person reads, taken apart and put together again. Pure. */

/** What the three sides hold of a photo, in the words of test/golden/README.md; `–` is nothing. */
export interface SidesLine {
  readonly path: string;
  readonly disk: string;
  readonly catalog: string;
  readonly bucket: string;
}

export interface Scenario {
  readonly title: string;
  /** Why it is so. */
  readonly about: string;
  readonly before: readonly SidesLine[];
  /** Circumstances, a sentence each. */
  readonly given: readonly string[];
  readonly command: string;
  readonly found: string;
  readonly plan: string;
  readonly report: string;
  readonly after: string;
}

export const NOTHING = '–';
const SIDES = ['photo', 'disk', 'catalog', 'bucket'];

/** Throws what is wrong with it, for whoever wrote it. */
export function parseScenario(text: string): Scenario {
  const [head = '', ...rest] = text.split(/^## /m);
  const [title = '', ...about] = head.trim().split('\n');
  if (!title.startsWith('# ')) throw new Error('it does not begin with a title: # …');
  const sections = new Map<string, string>();
  for (const section of rest) {
    const end = section.indexOf('\n');
    sections.set(section.slice(0, end).trim(), section.slice(end).trim());
  }
  const command = sections.get('Command');
  const before = sections.get('Before');
  if (command === undefined || before === undefined) throw new Error('it has no section Before, or no Command');
  return {
    title: title.slice(2),
    about: about.join('\n').trim(),
    before: linesOf(before),
    given: (sections.get('Given') ?? '')
      .split('\n')
      .filter((line) => line.startsWith('- '))
      .map((line) => line.slice(2)),
    command: command.replaceAll('`', '').trim(),
    found: sections.get('Found') ?? '',
    plan: sections.get('Plan') ?? '',
    report: sections.get('Report') ?? '',
    after: sections.get('After') ?? '',
  };
}

/** The whole text of a scenario. */
export function printScenario(scenario: Scenario): string {
  const { title, about, given, command } = scenario;
  const sections = [
    ['Before', sidesTable(scenario.before)],
    ...(given.length === 0 ? [] : [['Given', given.map((line) => `- ${line}`).join('\n')]]),
    ['Command', `\`${command}\``],
    ['Found', scenario.found],
    ['Plan', scenario.plan],
    ['Report', scenario.report],
    ['After', scenario.after],
  ];
  return `# ${title}\n\n${about}\n\n${sections.map(([name, body]) => `## ${name}\n\n${body}\n`).join('\n')}`;
}

/** A table, its columns aligned so that the text alone can be read. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(header), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}

export function sidesTable(lines: readonly SidesLine[]): string {
  if (lines.length === 0) return 'Nothing anywhere.';
  return table(
    SIDES,
    lines.map(({ path, disk, catalog, bucket }) => [spelled(path), disk, catalog, bucket]),
  );
}

function linesOf(text: string): SidesLine[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[-|]+\|$/.test(line))
    .slice(1)
    .map((line) => {
      const [path = '', disk = NOTHING, catalog = NOTHING, bucket = NOTHING] = line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim());
      return { path: unspelled(path), disk, catalog, bucket };
    });
}

/** Names whose look would deceive are told by their code points (`caf\u00e9.jpg`), long runs of a sign by their length. */
export function spelled(path: string): string {
  return path
    .replaceAll(/[^ -~]|[\\|]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll(/([a-z])\1{19,}/g, (run, sign: string) => `${sign}{${run.length}}`);
}

function unspelled(text: string): string {
  return text
    .replaceAll(/([a-z])\{(\d+)\}/g, (_, sign: string, length: string) => sign.repeat(Number(length)))
    .replaceAll(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** `"bytes", one thing, another thing` taken apart; null bytes where none are named. */
export function cellOf(cell: string): {
  readonly words: string;
  readonly bytes: string | null;
  readonly notes: string[];
} {
  const match = /^([^",]*?)\s*(?:"([^"]*)")?((?:, [^,]+)*)$/.exec(cell);
  if (match === null) throw new Error(`a cell that cannot be read: ${cell}`);
  const [, words = '', bytes, notes = ''] = match;
  return { words, bytes: bytes ?? null, notes: notes.split(', ').filter((note) => note !== '') };
}
