/** Learns by trying which of S3's safeguards a bucket honours: compatible servers differ in just these. */
import { createHash } from 'node:crypto';
import type { BucketFeatures } from '../sync/bucket-port.ts';
import type { Log } from '../sync/ports.ts';
import { crc32Of, md5Base64 } from './checksums.ts';
import { inForm } from './etags.ts';
import { type Conditions, type Outcome, ProbeObject } from './probe-object.ts';
import type { BucketRequests } from './requests.ts';

/** Nothing proven: every write looks first, and verifies after. */
export const NO_FEATURES: BucketFeatures = {
  createOnly: false,
  replaceOnly: 'none',
  createOnlyMultipart: false,
  deleteOnly: false,
  deleteManyOnly: false,
  copyCreateOnly: false,
  contentMd5: false,
  checksums: false,
};

/**
 * Need the bucket not be tried again? It is where an older version did not learn all there is to know, and where
 * nothing at all is known to be honoured: so answers a bucket that denied the probe, and rights may be given since.
 */
export function isSettled(known: Partial<BucketFeatures>): known is BucketFeatures {
  const names = Object.keys(NO_FEATURES) as (keyof BucketFeatures)[];
  const complete = names.every((name) => known[name] !== undefined);
  return complete && names.some((name) => known[name] !== NO_FEATURES[name]);
}

/**
 * Writes tiny objects under names of their own, tries each condition and checksum on them and removes them.
 * NO_FEATURES where none may be written. Throws what keeps any request from succeeding.
 */
export async function probeFeatures(
  requests: BucketRequests,
  prefix: string,
  log: Log | undefined,
  signal: AbortSignal,
): Promise<BucketFeatures> {
  const probe = new ProbeObject(requests, prefix, signal);
  const copy = new ProbeObject(requests, prefix, signal);
  try {
    return await learn(probe, copy);
  } finally {
    await probe.remove(log);
    await copy.remove(log);
  }
}

const SOME_ETAG = createHash('md5').update('another version').digest('hex');
const WRONG_MD5 = md5Base64(SOME_ETAG);

async function learn(probe: ProbeObject, copy: ProbeObject): Promise<BucketFeatures> {
  const created = await probe.put({ IfNoneMatch: '*' });
  if (created !== 'done' && (await probe.put({})) !== 'done') return NO_FEATURES;
  const createOnly = created === 'done' && (await probe.put({ IfNoneMatch: '*' })) === 'precondition';
  const replaceOnly = await learnReplaceOnly(probe);
  const contentMd5 = (await probe.put({ ContentMD5: WRONG_MD5 })) === 'refused';
  const checksums = await learnChecksums(probe);
  const createOnlyMultipart = await learnCreateOnly((conditions) => probe.putInParts(conditions), probe, replaceOnly);
  // An upload in parts is not always answered with its ETag, and what follows needs to know one.
  await probe.put({});
  const copyCreateOnly =
    (await copy.copyFrom(probe, { IfNoneMatch: '*' })) === 'done' &&
    (await learnCreateOnly((conditions) => copy.copyFrom(probe, conditions), copy, replaceOnly));
  const deleteManyOnly = await learnDeleteOnly((etag) => probe.deleteAmongMany(etag), probe);
  await probe.put({});
  const deleteOnly = await learnDeleteOnly((etag) => probe.delete({ IfMatch: inForm('quoted', etag) }), probe);
  const writes = { createOnly, replaceOnly, createOnlyMultipart, copyCreateOnly };
  return { ...writes, deleteOnly, deleteManyOnly, contentMd5, checksums };
}

/** Honoured only if a wrong ETag is refused and the right one is not. */
async function learnReplaceOnly(probe: ProbeObject): Promise<BucketFeatures['replaceOnly']> {
  for (const form of ['quoted', 'unquoted'] as const) {
    const wrong = await probe.put({ IfMatch: inForm(form, SOME_ETAG) });
    const right = await probe.put({ IfMatch: inForm(form, probe.etag) });
    if (wrong === 'precondition' && right === 'done') return form;
  }
  return 'none';
}

/** Honoured only if a wrong checksum is refused and the right one is not. */
async function learnChecksums(probe: ProbeObject): Promise<boolean> {
  const wrong = await probe.put({ ChecksumCRC32: crc32Of(Buffer.from('other bytes')) });
  const right = await probe.put({ ChecksumCRC32: crc32Of(probe.nextBody) });
  return wrong === 'refused' && right === 'done';
}

/** Both conditions for another way to write what is there, If-Match in the form that was learnt for a PUT. */
async function learnCreateOnly(
  write: (conditions: Conditions) => Promise<Outcome>,
  written: ProbeObject,
  replaceOnly: BucketFeatures['replaceOnly'],
): Promise<boolean> {
  if ((await write({ IfNoneMatch: '*' })) !== 'precondition') return false;
  if (replaceOnly === 'none') return true;
  const wrong = await write({ IfMatch: inForm(replaceOnly, SOME_ETAG) });
  const right = await write({ IfMatch: inForm(replaceOnly, written.etag) });
  return wrong === 'precondition' && right === 'done';
}

async function learnDeleteOnly(remove: (etag: string) => Promise<Outcome>, probe: ProbeObject): Promise<boolean> {
  const wrong = await remove(SOME_ETAG);
  return wrong === 'precondition' && (await remove(probe.etag)) === 'done';
}
