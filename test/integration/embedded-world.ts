/** What the tests of the embedded services share: folders, client processes, and looks at what runs. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { attachEmbedded, type EmbeddedServices } from '../../src/embedded/attach.ts';

/** A DATA_DIR that does not exist yet, in a folder of its own. */
export class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'rollcall-embedded-'));
  readonly dataDir: string;
  readonly #clients: ChildProcess[] = [];
  readonly #attached: EmbeddedServices[] = [];

  constructor(...path: string[]) {
    // Root's mkdtemp is closed to the user that PostgreSQL then runs as; tests of just that close it again.
    execFileSync('chmod', ['755', this.folder]);
    this.dataDir = join(this.folder, ...(path.length > 0 ? path : ['data']));
    mkdirSync(join(this.dataDir, '..'), { recursive: true });
  }

  /** A world whose services have run before, copied from `model`, whose services must be down. */
  static like(model: World): World {
    const world = new World();
    execFileSync('cp', ['-a', model.dataDir, world.dataDir]);
    return world;
  }

  /** Attaches in this process to the database, or to the parts named. */
  async attach(parts: { database?: boolean; s3?: boolean; s3Bucket?: string } = {}): Promise<EmbeddedServices> {
    const request = { dataDir: this.dataDir, database: true, s3: false, ...parts };
    const services = await attachEmbedded(request, AbortSignal.timeout(150_000));
    this.#attached.push(services);
    return services;
  }

  /** Starts a client process in a process group of its own; `services` settles when it has attached. */
  client(...parts: string[]): { process: ChildProcess; services: Promise<EmbeddedServices>; end(): Promise<void> } {
    const program = fileURLToPath(new URL('./embedded-client.ts', import.meta.url));
    const child = spawn(process.execPath, [program, this.dataDir, ...(parts.length > 0 ? parts : ['database'])], {
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#clients.push(child);
    const lines = createInterface({ input: child.stdout });
    const services = Promise.race([
      once(lines, 'line').then(([line]) => JSON.parse(line as string) as EmbeddedServices),
      once(child, 'exit').then(() => Promise.reject(new Error('the client ended before it had attached'))),
    ]);
    const end = async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    };
    return { process: child, services, end };
  }

  /** Process numbers of what runs for this world: hosts and database servers, by their command lines. */
  running(): { hosts: number[]; postmasters: number[] } {
    const all = processes().filter(({ command }) => command.includes(this.dataDir));
    const servers = all.filter(({ command }) => /postgres\S* -D/.test(command));
    return {
      hosts: all.filter(({ command }) => /host\.[jt]s/.test(command)).map(({ pid }) => pid),
      // A process that a server has just forked still has its command line.
      postmasters: servers.filter(({ parent }) => !servers.some(({ pid }) => pid === parent)).map(({ pid }) => pid),
    };
  }

  /** Waits until nothing runs for this world any more. */
  async quiet(): Promise<void> {
    await until(() => Object.values(this.running()).every((pids) => pids.length === 0));
  }

  /** Ends everything and removes the folder. */
  async dispose(): Promise<void> {
    for (const client of this.#clients) client.kill('SIGKILL');
    await Promise.allSettled(this.#attached.map((services) => services.close()));
    await this.quiet().finally(() => {
      for (const pids of Object.values(this.running())) for (const pid of pids) process.kill(pid, 'SIGKILL');
    });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Polls; the test's own time limit ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 10_000; i++) {
    if (await holds()) return;
    await wait(20);
  }
  throw new Error(`never came true: ${holds}`);
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function processes(): Process[] {
  if (existsSync('/proc/self/stat')) return readdirSync('/proc').flatMap(readProcess);
  const list = execFileSync('ps', ['-axww', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' });
  return [...list.matchAll(/^ *(\d+) +(\d+) +(.*)$/gm)].map(([, pid, parent, command = '']) => {
    return { pid: Number(pid), parent: Number(parent), command };
  });
}

function readProcess(pid: string): Process[] {
  if (!/^\d+$/.test(pid)) return [];
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    // The name in parentheses may hold anything, blanks and parentheses too; state and parent follow it.
    const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1)?.trim().split(' ')[1];
    return [{ pid: Number(pid), parent: Number(parent), command }];
  } catch {
    // It has ended since the folder was read.
    return [];
  }
}
