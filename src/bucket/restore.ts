/** Asks for an archived object to be made readable. */
import { RestoreObjectCommand } from '@aws-sdk/client-s3';
import { RollcallError } from '../errors.ts';
import type { RestoreRequest } from '../sync/bucket-port.ts';
import { S3Failure } from './errors.ts';
import type { BucketRequests } from './requests.ts';

/** A server's refusals that are answers: by its name for them. */
const ANSWERS: Readonly<Record<string, 'in progress' | 'readable'>> = {
  RestoreAlreadyInProgress: 'in progress',
  // The object is in a class that is not archived.
  InvalidObjectState: 'readable',
  ObjectAlreadyInActiveTierError: 'readable',
};

/** See BucketPort.restore for what it promises and throws. */
export async function restoreObject(
  requests: BucketRequests,
  key: string,
  { days, tier }: RestoreRequest,
  signal: AbortSignal,
): Promise<'asked' | 'in progress' | 'readable'> {
  const command = new RestoreObjectCommand({
    Bucket: requests.identity.bucket,
    Key: key,
    RestoreRequest: { Days: days, GlacierJobParameters: { Tier: tier } },
  });
  try {
    const { $metadata } = await requests.send(command, { kind: 'put', doing: 'restore', key }, signal);
    // 202: it begins now; 200: it is readable already and only stays so for longer.
    return $metadata.httpStatusCode === 200 ? 'readable' : 'asked';
  } catch (error) {
    const failure = error instanceof RollcallError && error.cause instanceof S3Failure ? error.cause : null;
    const answer = ANSWERS[failure?.name ?? ''];
    if (answer !== undefined) return answer;
    if (failure?.status !== 501 && failure?.status !== 405) throw error;
    const why = `the server does not restore archived objects (${failure.status})`;
    throw new RollcallError('OBJECT_REJECTED', `cannot restore s3://${requests.identity.bucket}/${key}: ${why}`, {
      cause: failure,
    });
  }
}
