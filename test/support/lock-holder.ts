/** A process that locks a scope, begins a run, says so and stays: `node lock-holder.ts <url> <scope as JSON>`. */
import { openCatalog } from '../../src/catalog/open.ts';
import type { Scope } from '../../src/sync/types.ts';

const [url = '', json = ''] = process.argv.slice(2);
const scope = JSON.parse(json) as Scope;
const signal = new AbortController().signal;
const catalog = await openCatalog({ url, maxConnections: 1 }, signal);
await catalog.port.lock(scope, signal);
const policy = { dryRun: false };
const run = await catalog.port.beginRun({ library: scope.library, album: scope.album, kind: 'sync', policy });
process.stdout.write(`${run}\n`);
// The lock's connection keeps the process up; without one it would end here.
setInterval(() => {}, 1_000_000);
