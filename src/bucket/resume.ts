/** Whether an upload in parts that was cut off can be gone on with. */
import { asRollcallError } from '../errors.ts';
import type { RememberedUpload, UploadRequest } from '../sync/bucket-port.ts';
import { uploadPartSize } from './etags.ts';
import type { EarlierParts, MultipartContext, PartedUpload } from './parts.ts';
import { abandonUpload, heldParts, type UploadAddress } from './unfinished.ts';

/** What says of an upload itself that it cannot be gone on with; anything else may pass. */
const ENDED = new Set(['OBJECT_MISSING', 'OBJECT_DENIED', 'OBJECT_REJECTED']);

/**
 * The newest upload that an earlier try has begun for this version of the file and that the server still knows; all
 * others of this key that are remembered are abandoned. Null: there is none. Throws what may pass (BUCKET_UNREACHABLE,
 * OBJECT_UNAVAILABLE): beginning afresh would give up what was sent.
 */
export async function earlierUpload(
  context: MultipartContext,
  request: UploadRequest,
  signal: AbortSignal,
): Promise<PartedUpload | null> {
  const { memory, key, file } = request;
  if (memory === undefined) return null;
  const partSize = uploadPartSize(file.facts.size);
  let found: PartedUpload | null = null;
  for (const upload of await memory.recall()) {
    const at = { Bucket: context.requests.identity.bucket, Key: key, UploadId: upload.uploadId };
    const suits: boolean = found === null && upload.partSize === partSize && isOfTheseBytes(upload, request);
    const earlier: EarlierParts | null = suits ? await partsOf(context, at, upload, signal) : null;
    if (earlier !== null) found = { context, request, at, partSize, md5: upload.md5, earlier };
    else if (await abandonUpload(context, at)) await memory.forget(upload.uploadId);
  }
  return found;
}

/** As far as is known beforehand: each part is held against the file's bytes once they are read. */
function isOfTheseBytes({ sameVersion, md5 }: RememberedUpload, request: UploadRequest): boolean {
  return sameVersion && (md5 === null || request.md5 === undefined || md5 === request.md5);
}

async function partsOf(
  { requests, log }: MultipartContext,
  at: UploadAddress,
  { parts }: RememberedUpload,
  signal: AbortSignal,
): Promise<EarlierParts | null> {
  try {
    const held = await heldParts(requests, at, signal);
    return { held, confirmed: new Map(parts.map((part) => [part.number, part])) };
  } catch (error) {
    const { code, message } = asRollcallError(error);
    if (!ENDED.has(code)) throw error;
    // Without the right to list parts large files are sent whole after each interruption: that is worth a word.
    if (code !== 'OBJECT_MISSING') log?.warn({ code, key: at.Key }, `An upload cannot be gone on with: ${message}`);
    return null;
  }
}
