/**
 * A sync by `rollcall serve`, which looks at photos while it uploads them: `serve-once.ts <program> <prefix> <photos>`, in the
 * environment of the server. Starts it, asks for one sync of the library at the prefix, waits until every photo has its
 * pictures, stops it; prints both reports as the command line does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';

const LOOK_MS = 50;
const PATIENCE_MS = 60_000;
const READY = `SELECT count(*)::int AS "ready" FROM "Photo" p JOIN "Library" l ON l."id" = p."libraryId"
  WHERE l."prefix" = $1 AND p."mediaState" = 'ready'`;

async function main([program = '', prefix = '', photos = '']: readonly string[]): Promise<void> {
  const server = spawn(process.execPath, [program, 'serve', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  try {
    const address = await Promise.race([addressOf(server.stdout), ended.then(() => null)]);
    if (address === null) throw new Error('rollcall serve did not come up');
    const report = await sync(address, prefix);
    console.log(JSON.stringify({ type: 'report', ...report }));
    console.log(JSON.stringify({ type: 'report', photos: { ready: await looked(prefix, Number(photos)) } }));
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
}

/** As its first line of the kind says; what it says later is read and forgotten. */
function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  let said = '';
  return new Promise((resolve) => {
    output.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, address] = /"type":"ready","address":"([^"]+)"/.exec(said) ?? [];
      if (address !== undefined) resolve(address);
      said = said.slice(said.lastIndexOf('\n') + 1);
    });
  });
}

async function sync(address: string, prefix: string): Promise<object> {
  const { libraries } = (await ask(`${address}/api/libraries`)) as { libraries: { id: string; prefix: string }[] };
  const library = libraries.find((one) => one.prefix === prefix);
  if (library === undefined) throw new Error(`there is no library at ${prefix}`);
  const body = JSON.stringify({ library: library.id });
  return ask(`${address}/api/sync`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

async function ask(url: string, init: RequestInit = {}): Promise<object> {
  const answer = await fetch(url, init);
  const said = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${said}`);
  return JSON.parse(said) as object;
}

/** How many are done when all are. Throws when for a minute nothing more was done. */
async function looked(prefix: string, photos: number): Promise<number> {
  const client = new Client({ connectionString: process.env['DATABASE_URL'] });
  await client.connect();
  try {
    for (let [before, since] = [0, performance.now()]; ; await pause(LOOK_MS)) {
      const { rows } = await client.query<{ ready: number }>(READY, [prefix]);
      const { ready } = rows[0] ?? { ready: 0 };
      if (ready >= photos) return ready;
      if (ready > before) [before, since] = [ready, performance.now()];
      if (performance.now() - since > PATIENCE_MS) throw new Error(`only ${ready} of ${photos} photos were looked at`);
    }
  } finally {
    await client.end();
  }
}

await main(process.argv.slice(2));
