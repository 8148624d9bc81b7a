/**
 * Tries objectExists() on a real bucket: the configured one or, with no S3_BUCKET, the embedded one.
 *
 *     npx tsx scripts/test-s3-existence.ts
 *
 * Prints a line for each expectation and exits 0 only if all hold. What it writes lies under a folder of its own
 * below S3_PREFIX and is removed again.
 */
import { randomBytes } from 'node:crypto';
import { openS3Client, type S3Endpoint } from '../src/bucket/client.ts';
import { S3Service } from '../src/bucket/s3-service.ts';
import { type Config, loadConfig } from '../src/config.ts';
import { attachEmbedded } from '../src/embedded/attach.ts';
import { asRollcallError, ExitCode } from '../src/errors.ts';
import type { Log, OpenFile } from '../src/sync/ports.ts';

interface Place {
  readonly s3: S3Endpoint;
  readonly bucket: string;
  close(): Promise<void>;
}

interface Check {
  readonly what: string;
  readonly expected: string;
  readonly ask: () => Promise<string>;
}

const ODD_NAME = `odd é ü 日本 😀 +%20 & ? # ' " <x> [1].jpg`;
const CONCURRENCY = 10;
const warn = (_fields: object, message: string): void => console.error(message);
const log: Log = { debug: () => {}, info: () => {}, warn, error: warn };

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
process.exitCode = await main(interrupted.signal);

async function main(signal: AbortSignal): Promise<number> {
  try {
    const config = loadConfig();
    const place = await findBucket(config, signal);
    try {
      return (await tryBucket(place, config.s3Prefix, signal)) ? ExitCode.ok : ExitCode.photosFailed;
    } finally {
      await place.close();
    }
  } catch (thrown) {
    const { code, message, exitCode } = asRollcallError(thrown);
    console.error(`${code}: ${message}`);
    return exitCode;
  }
}

async function findBucket(config: Config, signal: AbortSignal): Promise<Place> {
  if (config.s3Bucket !== null) return { s3: config.s3, bucket: config.s3Bucket, close: async () => {} };
  const services = await attachEmbedded({ dataDir: config.dataDir, database: false, s3: true }, signal);
  for (const notice of services.notices) console.log(notice);
  if (services.s3 === null) throw new Error('the embedded S3 did not start');
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = services.s3;
  const s3 = { endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } };
  return { s3, bucket, close: () => services.close() };
}

async function tryBucket(place: Place, prefix: string, signal: AbortSignal): Promise<boolean> {
  const folder = `${prefix}.rollcall-existence-${randomBytes(6).toString('hex')}/`;
  const denied = {
    ...place.s3,
    credentials: { accessKeyId: 'AKIAROLLCALLISDENIED', secretAccessKey: 'deliberately-wrong' },
  };
  const [right, wrong] = [place.s3, denied].map((s3) => openS3Client(s3, { maxSockets: CONCURRENCY }));
  if (right === undefined || wrong === undefined) throw new Error('no client was opened');
  const identity = { endpoint: place.s3.endpoint ?? 'aws', bucket: place.bucket };
  const service = new S3Service(right.client, identity, { partConcurrency: 1, log });
  const stranger = new S3Service(wrong.client, identity, { partConcurrency: 1, log });
  const written: { key: string; etag: string }[] = [];
  try {
    console.log(`Bucket s3://${place.bucket} at ${place.s3.endpoint ?? 'Amazon S3'}, folder ${folder}`);
    await service.preflight(prefix, signal);
    console.log(`Honoured: ${JSON.stringify(await service.learn(prefix, null, signal))}`);
    for (const name of ['here.jpg', ODD_NAME, ...batchNames('here')]) {
      const key = `${folder}${name}`;
      written.push({ key, etag: (await service.upload(uploadOf(key), signal)).etag });
    }
    return await report(checksOf(service, stranger, folder, signal));
  } finally {
    await cleanUp(service, written);
    const { head, list, put, delete: removed } = service.requests();
    console.log(`Cleaned up. Requests: ${head} HEAD, ${list} LIST, ${put} PUT, ${removed} DELETE.`);
    right.close();
    wrong.close();
  }
}

function checksOf(service: S3Service, stranger: S3Service, folder: string, signal: AbortSignal): Check[] {
  const exists = (by: S3Service, name: string) => async (): Promise<string> =>
    String(await by.objectExists(`${folder}${name}`, signal));
  return [
    { what: 'an existing key', expected: 'true', ask: exists(service, 'here.jpg') },
    { what: 'a missing key', expected: 'false', ask: exists(service, 'not-here.jpg') },
    { what: 'a key with odd characters', expected: 'true', ask: exists(service, ODD_NAME) },
    { what: 'a missing key that is nearly it', expected: 'false', ask: exists(service, ODD_NAME.replace('+', ' ')) },
    {
      what: 'an existing key, denied (wrong credentials)',
      expected: 'an error',
      ask: deniedIsThrown(exists(stranger, 'here.jpg')),
    },
    { what: 'a batch of 10 existing and 10 missing keys', expected: '10 true, 10 false', ask: batch },
  ];

  async function batch(): Promise<string> {
    const [here, gone] = [batchNames('here'), batchNames('gone')];
    const keys = [...here, ...gone].map((name) => `${folder}${name}`);
    const answers = await service.objectsExist(keys, CONCURRENCY, signal);
    const count = (names: string[], expected: boolean): number =>
      names.filter((name) => answers.get(`${folder}${name}`) === expected).length;
    return `${count(here, true)} true, ${count(gone, false)} false`;
  }
}

/** An error is what is expected, as long as it speaks of rights: "denied" must never read as "missing". */
function deniedIsThrown(ask: () => Promise<string>): () => Promise<string> {
  return async () => {
    try {
      return await ask();
    } catch (thrown) {
      const { code, message } = asRollcallError(thrown);
      console.log(`       ${code}: ${message}`);
      return code === 'OBJECT_DENIED' || code === 'BUCKET_CREDENTIALS' ? 'an error' : code;
    }
  };
}

async function report(checks: readonly Check[]): Promise<boolean> {
  let allHold = true;
  for (const { what, expected, ask } of checks) {
    const seen = await ask().catch((thrown: unknown) => asRollcallError(thrown).message);
    const holds = seen === expected;
    allHold &&= holds;
    console.log(`${holds ? 'ok     ' : 'FAILED '}${what}: ${seen}${holds ? '' : ` (expected: ${expected})`}`);
  }
  return allHold;
}

/** Goes on with the others when one cannot be removed, and also after an interruption. */
async function cleanUp(service: S3Service, written: readonly { key: string; etag: string }[]): Promise<void> {
  for (const { key, etag } of written) {
    try {
      await service.remove(key, etag, AbortSignal.timeout(10_000));
    } catch (thrown) {
      console.error(`${key} was left behind: ${asRollcallError(thrown).message}`);
    }
  }
}

function batchNames(word: string): string[] {
  return Array.from({ length: 10 }, (_, index) => `batch/${word}-${index}.jpg`);
}

function uploadOf(key: string) {
  const content = Buffer.from('A test of Rollcall; may be deleted.');
  const file: OpenFile = {
    facts: { size: content.length, mtimeNs: BigInt(Date.now()) * 1_000_000n, device: 0n, inode: 0n },
    read: async (offset, length) => content.subarray(offset, offset + length),
    verifyUnchanged: async () => {},
    close: async () => {},
  };
  return { key, file, contentType: 'image/jpeg', condition: { absent: true } } as const;
}
