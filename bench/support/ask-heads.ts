/**
 * Asks by HEAD whether the keys of a bench are there, as a process of its own: `ask-heads.ts <how> <keys> <at once>`, with
 * the endpoint in the environment as the program has it. Prints what it took, without starting Node.
 *
 * - `program`: by the program's own port.
 * - `sdk`: a plain loop over the SDK's HeadObject, with a client as the SDK makes it and as many sockets.
 * - `wire`: requests that were signed before, by Node's http alone: what asking costs at least.
 */
import { Agent, request } from 'node:http';
import { HeadObjectCommand, NotFound, S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { openBuckets } from '../../src/bucket/buckets.ts';
import { type SignedHeaders, Signer } from '../../src/bucket/signature.ts';
import { keyOf } from './head-keys.ts';

type Ask = (key: string) => Promise<boolean>;

interface Asking {
  readonly ask: Ask;
  /** Before the time is taken. */
  readonly prepare?: (key: string) => void;
  readonly close: () => void;
}

const { S3_ENDPOINT: endpoint = '', S3_BUCKET: bucket = '', AWS_REGION: region = '' } = process.env;
const LOCATION = { endpoint, region, forcePathStyle: true };

async function main([how = '', keyCount = '', concurrency = '']: readonly string[]): Promise<void> {
  const atOnce = Number(concurrency);
  const keys = Array.from({ length: Number(keyCount) }, (_, i) => keyOf(i));
  const asking = waysOf(how)(atOnce);
  if (asking.prepare !== undefined) keys.forEach(asking.prepare);
  const before = process.cpuUsage();
  const begun = performance.now();
  const found = await pMap(keys, asking.ask, { concurrency: atOnce });
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(before);
  asking.close();
  const there = found.filter(Boolean).length;
  console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, there }));
}

function waysOf(how: string): (atOnce: number) => Asking {
  const ways: Readonly<Record<string, (atOnce: number) => Asking>> = { program: byProgram, sdk: bySdk, wire: byWire };
  const way = ways[how];
  if (way === undefined) throw new Error(`nobody asks by ${how}`);
  return way;
}

function credentials() {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = process.env;
  return { accessKeyId, secretAccessKey };
}

/** As many as the program opens. */
function socketsFor(atOnce: number): number {
  return atOnce + 4;
}

function byProgram(atOnce: number): Asking {
  const quiet = () => {};
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const buckets = openBuckets(LOCATION, { checkConcurrency: atOnce, uploadConcurrency: 5 }, log);
  const port = buckets.open(bucket);
  const { signal } = new AbortController();
  return { ask: (key) => port.objectExists(key, signal), close: () => buckets.close() };
}

function bySdk(atOnce: number): Asking {
  const requestHandler = {
    httpAgent: { maxSockets: socketsFor(atOnce) },
    httpsAgent: { maxSockets: socketsFor(atOnce) },
  };
  const client = new S3Client({ ...LOCATION, credentials: credentials(), requestHandler });
  const ask: Ask = async (key) => {
    try {
      await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return true;
    } catch (error) {
      if (error instanceof NotFound) return false;
      throw error;
    }
  };
  return { ask, close: () => client.destroy() };
}

function byWire(atOnce: number): Asking {
  const { protocol, host, hostname, port } = new URL(endpoint);
  if (protocol !== 'http:') throw new Error('the wire is measured without TLS only');
  const agent = new Agent({ keepAlive: true, maxSockets: socketsFor(atOnce) });
  const signer = new Signer();
  const signed = new Map<string, { readonly path: string; readonly headers: SignedHeaders }>();
  const prepare = (key: string): void => {
    const path = `/${bucket}/${key}`;
    const unsigned = { method: 'HEAD', path, headers: { host } };
    const scope = { region, service: 's3' };
    signed.set(key, { path, headers: signer.sign(unsigned, credentials(), scope, Date.now()) });
  };
  const ask: Ask = (key) =>
    new Promise((resolve, reject) => {
      const sent = request({ agent, hostname, port, method: 'HEAD', ...signed.get(key) });
      sent.on('error', reject);
      sent.on('response', (answer) => {
        const { statusCode } = answer;
        answer.on('end', () =>
          statusCode === 200 || statusCode === 404
            ? resolve(statusCode === 200)
            : reject(new Error(`answered with ${statusCode}`)),
        );
        answer.resume();
      });
      sent.end();
    });
  return { ask, prepare, close: () => agent.destroy() };
}

await main(process.argv.slice(2));
