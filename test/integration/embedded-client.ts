/**
 * A process that attaches to the embedded services of the folder in argv[2], prints what it got as one JSON line, and
 * lets go of them when its input ends. Parts are named by the arguments after that.
 */
import { attachEmbedded } from '../../src/embedded/attach.ts';

const [, , dataDir = '', ...parts] = process.argv;
const request = { dataDir, database: parts.includes('database'), s3: parts.includes('s3') };
const services = await attachEmbedded(request, new AbortController().signal);
process.stdout.write(`${JSON.stringify(services)}\n`);
for await (const _ of process.stdin);
await services.close();
