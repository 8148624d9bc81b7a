/** RestoreObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html */
import { LARGEST_DOCUMENT } from './delete-objects.ts';
import { S3Error } from './errors.ts';
import { requireObject } from './get-object.ts';
import { receiveDocument } from './payload.ts';
import { restoreState } from './restore-state.ts';
import type { Operation, RestoreTier, S3Request } from './types.ts';
import { parseXml } from './xml.ts';

const DAY_MS = 24 * 3600 * 1000;
const TIERS: readonly RestoreTier[] = ['Expedited', 'Standard', 'Bulk'];

export const restoreObject: Operation = async (request, context) => {
  const { store } = context;
  requireObject(request, context);
  const { days, tier } = await readRestore(request);
  const status = await store.commit(() => {
    const object = requireObject(request, context);
    const state = restoreState(object, request.now);
    if (state === 'not-archived') {
      throw new S3Error('InvalidObjectState', "Restore is not allowed for the object's current storage class", {
        StorageClass: object.storageClass,
      });
    }
    if (state === 'ongoing') throw new S3Error('RestoreAlreadyInProgress');
    if (object.storageClass === 'DEEP_ARCHIVE' && tier === 'Expedited') {
      throw new S3Error('InvalidArgument', 'Retrieval option is not supported by this storage class', {
        ArgumentName: 'Tier',
        ArgumentValue: tier,
      });
    }
    // Asked for again while it lasts, a restore is only prolonged.
    const restored = state === 'restored';
    const readyMs = restored ? (object.restoreReadyMs ?? 0) : request.now + context.restoreDelayMs[tier];
    const fromMs = restored ? request.now : readyMs;
    store.setRestore(object.bucket, object.key, readyMs, nextMidnight(fromMs + days * DAY_MS));
    return restored ? 200 : 202;
  });
  return { status };
};

/** Restored copies go at midnight UTC, after at least the days asked for. */
function nextMidnight(ms: number): number {
  return Math.ceil(ms / DAY_MS) * DAY_MS;
}

async function readRestore(request: S3Request): Promise<{ days: number; tier: RestoreTier }> {
  const root = parseXml(await receiveDocument(request, LARGEST_DOCUMENT), 'RestoreRequest');
  if (root.text('Type') !== null) throw new S3Error('NotImplemented', undefined, { Header: 'Type' });
  const days = root.text('Days')?.trim() ?? '';
  if (!/^[0-9]{1,6}$/.test(days) || Number(days) < 1) throw new S3Error('MalformedXML');
  const asked = root.all('GlacierJobParameters')[0]?.text('Tier') ?? root.text('Tier') ?? 'Standard';
  const tier = TIERS.find((one) => one === asked);
  if (tier === undefined) throw new S3Error('MalformedXML');
  return { days: Number(days), tier };
}
