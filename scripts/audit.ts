/**
 * Holds the dependencies against what is known of them:
 *
 *     npm run audit
 *
 * The lock file, always: each package comes from the registry and is pinned by SHA-512, and of each that wants to run
 * something when it is installed, package.json says whether it may. The registry's advisories, where it answers: a hole
 * of high or critical severity fails. A registry that cannot be asked (no network, a mirror without advisories) is said, and fails only
 * with `--must-ask`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

const REGISTRY = 'https://registry.npmjs.org/';
const FAILING = new Set(['high', 'critical']);

/** What is wrong with a lock file, a line each. */
export function lockFaults({ packages }: LockFile, allowScripts: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(packages).flatMap(([path, { resolved, integrity, link, hasInstallScript }]) => {
    if (path === '' || link) return [];
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const faults: string[] = [];
    if (resolved !== undefined && !resolved.startsWith(REGISTRY)) faults.push(`comes from ${resolved}`);
    if (!integrity?.startsWith('sha512-')) faults.push('is not pinned by SHA-512');
    if (hasInstallScript && allowScripts[name] === undefined) {
      faults.push(
        'wants to run something when it is installed, and allowScripts in package.json does not say whether it may',
      );
    }
    return faults.map((fault) => `${name} ${fault}`);
  });
}

interface Hole {
  readonly name: string;
  readonly severity: string;
  readonly range: string;
  readonly via: readonly (string | { readonly title?: string; readonly url?: string })[];
}

/** What `npm audit --json` has printed; null: the registry was not asked. */
export function holesIn(printed: string): { readonly failing: string[]; readonly others: string[] } | null {
  let answer: { readonly vulnerabilities?: Readonly<Record<string, Hole>> };
  try {
    answer = JSON.parse(printed);
  } catch {
    return null;
  }
  if (answer.vulnerabilities === undefined) return null;
  const holes = Object.values(answer.vulnerabilities);
  const lineOf = ({ name, severity, range, via }: Hole) => {
    const why = via.map((one) => (typeof one === 'string' ? one : `${one.title} ${one.url}`)).join(', ');
    return `${severity}: ${name} ${range}: ${why}`;
  };
  return {
    failing: holes.filter(({ severity }) => FAILING.has(severity)).map(lineOf),
    others: holes.filter(({ severity }) => !FAILING.has(severity)).map(lineOf),
  };
}

function main(folder: string, mustAsk: boolean): number {
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const faults = lockFaults(read('package-lock.json'), read('package.json').allowScripts ?? {});
  for (const fault of faults) console.error(fault);
  const asked = spawnSync('npm', ['audit', '--json'], { cwd: folder, encoding: 'utf8', timeout: 120_000 });
  const holes = holesIn(asked.stdout);
  if (holes === null) {
    console.error('The registry could not be asked for advisories; nothing is known of holes.');
    return faults.length > 0 || mustAsk ? 1 : 0;
  }
  for (const line of [...holes.failing, ...holes.others]) console.error(line);
  console.log(`${holes.failing.length} high or critical, ${holes.others.length} others`);
  return faults.length + holes.failing.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = main(process.cwd(), process.argv.includes('--must-ask'));
