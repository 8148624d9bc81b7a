/** The connection to an S3 endpoint, shared by all buckets that are reached through it. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { AdaptiveRetryStrategy, DefaultRateLimiter } from '@smithy/core/retry';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Where S3 is; credentials come from the SDK's own chain unless they are given. */
export interface S3Endpoint {
  /** Null: Amazon's own. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly forcePathStyle: boolean;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface S3ClientOptions {
  readonly maxSockets: number;
  /** Of silence on a socket, not of a request: a large upload on a slow line goes on as long as bytes move. 60,000. */
  readonly idleTimeoutMs?: number;
  /** First pause before a request is sent again, at most, doubled each time. Left out: 200, throttled ones 1,000. */
  readonly retryDelayMs?: number;
  /** Requests a second that are sent however much a server throttles; 5. */
  readonly leastRate?: number;
}

export interface OpenedClient {
  readonly client: S3Client;
  close(): void;
}

const MAX_ATTEMPTS = 6;
/** First delay of the exponential backoff (SDK: 50): 6 attempts then outlast a server that restarts. */
const RETRY_BASE_MS = 200;
/** SDK: one in two seconds, which is where a run begins that is throttled before it has sent anything. */
const LEAST_RATE = 5;
const LONGEST_PAUSE_MS = 20_000;
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 60_000;

/**
 * Opens a client whose requests survive throttling, 5xx and broken connections, send only the checksums that
 * Rollcall asks for (R2 and Ceph refuse the SDK's default trailers), and never hang on a silent socket.
 */
export function openS3Client(location: S3Endpoint, options: S3ClientOptions): OpenedClient {
  const client = new S3Client({
    ...(location.endpoint !== null && { endpoint: location.endpoint }),
    ...(location.credentials !== undefined && { credentials: { ...location.credentials } }),
    region: location.region,
    forcePathStyle: location.forcePathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // The SDK gives each request with this header a connection of its own, outside the agents below.
    expectContinueHeader: false,
    retryStrategy: new AdaptiveRetryStrategy(MAX_ATTEMPTS, {
      maxAttempts: MAX_ATTEMPTS,
      baseDelay: RETRY_BASE_MS,
      ...(options.retryDelayMs !== undefined && { backoff: backoffFrom(options.retryDelayMs) }),
      rateLimiter: new DefaultRateLimiter({ minFillRate: options.leastRate ?? LEAST_RATE }),
    }),
    requestHandler: requestHandler(options),
  });
  return { client, close: () => client.destroy() };
}

/** The same whether a server throttles or fails. */
function backoffFrom(firstMs: number) {
  const computeNextBackoffDelay = (attempt: number) =>
    Math.random() * Math.min(firstMs * 2 ** attempt, LONGEST_PAUSE_MS);
  return { computeNextBackoffDelay, setDelayBase: quiet };
}

function requestHandler({ maxSockets, idleTimeoutMs }: S3ClientOptions): NodeHttpHandler {
  const agent = { keepAlive: true, maxSockets };
  return new NodeHttpHandler({
    connectionTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    httpAgent: new HttpAgent(agent),
    httpsAgent: new HttpsAgent(agent),
    // Otherwise the handler prints to the console when more requests wait than there are sockets.
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
}

function quiet(): void {}
