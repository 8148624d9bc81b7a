/** The bad days of a bucket by their names, and a mixture of them: what a fault proxy is told to do. */
import type { Fault, SeenRequest } from './fault-proxy.ts';
import { chanceOf } from './random.ts';

/** What a run can make of a fault that each request meets the first time it is sent. */
export type Cure =
  /** Trying again is the cure: the run does all that it set out to do. */
  | 'again'
  /** Some photos may fail; the others do not. */
  | 'some'
  /** Nothing can succeed any more: the run ends and says why. */
  | 'none';

export interface BucketFault {
  readonly fault: Fault;
  /** Which requests it can befall; left out: any. */
  readonly befalls?: (request: SeenRequest) => boolean;
  readonly cure: Cure;
}

const isPut = ({ method, headers }: SeenRequest): boolean =>
  method === 'PUT' && headers['x-amz-copy-source'] === undefined;
const isGet = ({ method, query }: SeenRequest): boolean => method === 'GET' && !query.has('list-type');
const isHead = ({ method }: SeenRequest): boolean => method === 'HEAD';
const isCopy = ({ headers }: SeenRequest): boolean => headers['x-amz-copy-source'] !== undefined;
export const isListing = ({ query }: SeenRequest): boolean => query.has('list-type');

/** An answer of the server's own that refuses. */
export function refusal(status: number, code: string, headers: Record<string, string> = {}): Fault {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>injected</Message></Error>`;
  return { kind: 'answer', status, headers: { 'content-type': 'application/xml', ...headers }, body };
}

const ANOTHER_ETAG = '"0123456789abcdef0123456789abcdef"';

const flipped = (body: Buffer): Buffer => {
  const other = Buffer.from(body);
  const middle = other.length >> 1;
  if (other.length > 0) other.writeUInt8(other.readUInt8(middle) ^ 1, middle);
  return other;
};
const halved = (body: Buffer): Buffer => body.subarray(0, body.length >> 1);

const CONTENTS = /<Contents>[\s\S]*?<\/Contents>/g;

/** The entries of a listing's page in another order, or more of them. */
function entries(change: (found: readonly string[]) => readonly string[]): Fault {
  const body = (xml: string): string => {
    const found = xml.match(CONTENTS) ?? [];
    const [first] = found;
    if (first === undefined) return xml;
    const at = xml.indexOf(first);
    return xml.slice(0, at) + change(found).join('') + xml.slice(at).replaceAll(CONTENTS, '');
  };
  return { kind: 'rewrite', body };
}

/** Every fault by its name. Silences are as long as somebody waits for them. */
export const BUCKET_FAULTS = {
  'answers late': {
    fault: { kind: 'after', first: () => new Promise((resolve) => setTimeout(resolve, 30)) },
    cure: 'again',
  },
  'answers 500': { fault: refusal(500, 'InternalError'), cure: 'again' },
  'answers 503 SlowDown': { fault: refusal(503, 'SlowDown'), cure: 'again' },
  'answers 429 with Retry-After': { fault: refusal(429, 'TooManyRequests', { 'retry-after': '0.05' }), cure: 'again' },
  'breaks before the request': { fault: { kind: 'break-before' }, cure: 'again' },
  'breaks during the request': { fault: { kind: 'break-during' }, cure: 'again' },
  'breaks during the answer': {
    fault: { kind: 'cut', body: halved, ending: 'break' },
    befalls: (request) => request.method === 'GET',
    cure: 'again',
  },
  'loses its answer': { fault: { kind: 'break-after' }, cure: 'again' },
  'hangs before it acts': { fault: { kind: 'hang', when: 'before' }, cure: 'again' },
  'hangs after it has acted': { fault: { kind: 'hang', when: 'after' }, cure: 'again' },
  'falls silent during the answer': {
    fault: { kind: 'cut', body: halved, ending: 'silence' },
    befalls: (request) => request.method === 'GET',
    cure: 'again',
  },
  'answers in drips': { fault: { kind: 'drip', bytes: 64, everyMs: 5 }, cure: 'again' },
  'gets corrupted uploads': { fault: { kind: 'spoil', body: flipped }, befalls: isPut, cure: 'again' },
  'gets truncated uploads': { fault: { kind: 'spoil', body: halved }, befalls: isPut, cure: 'some' },
  'sends corrupted downloads': {
    fault: { kind: 'cut', body: flipped, ending: 'end' },
    befalls: isGet,
    cure: 'again',
  },
  'sends truncated downloads': {
    fault: { kind: 'cut', body: halved, ending: 'end', unsized: true },
    befalls: isGet,
    cure: 'again',
  },
  'names a wrong ETag': {
    fault: { kind: 'rewrite', headers: { etag: ANOTHER_ETAG } },
    befalls: (request) => isPut(request) || isGet(request) || isHead(request),
    cure: 'some',
  },
  'fails to copy within an answer of 200': {
    fault: refusal(200, 'InternalError'),
    befalls: isCopy,
    cure: 'again',
  },
  'lists entries twice': {
    fault: entries((found) => found.flatMap((entry) => [entry, entry])),
    befalls: isListing,
    cure: 'some',
  },
  'lists in another order': { fault: entries((found) => found.toReversed()), befalls: isListing, cure: 'some' },
  'finds the clock skewed': { fault: refusal(403, 'RequestTimeTooSkewed'), cure: 'none' },
  'finds the credentials expired': { fault: refusal(403, 'ExpiredToken'), cure: 'none' },
} as const satisfies Record<string, BucketFault>;

export type BucketFaultName = keyof typeof BUCKET_FAULTS;

export const BUCKET_FAULT_NAMES = Object.keys(BUCKET_FAULTS) as BucketFaultName[];

export function bucketFault(name: BucketFaultName): BucketFault {
  return BUCKET_FAULTS[name];
}

/** Nothing comes of it but the end of somebody's patience. */
export function isSilent(name: BucketFaultName): boolean {
  const { fault } = bucketFault(name);
  return fault.kind === 'hang' || (fault.kind === 'cut' && fault.ending === 'silence');
}

/** Those of which a bucket that works otherwise has some at any time. */
export const PASSING_FAULTS = BUCKET_FAULT_NAMES.filter((name) => bucketFault(name).cure === 'again');

/** A request as it is each time that it is sent. */
export function nameOfRequest({ method, path, query }: SeenRequest): string {
  return `${method} ${path}?${query}`;
}

export interface Mixture {
  readonly seed: number;
  /** Of the requests, 0 to 100. */
  readonly percent: number;
  readonly of: readonly BucketFaultName[];
}

/**
 * Breaks so many of the requests, each by a fault of these that can befall it. What befalls a request depends on the seed,
 * the request and how often it was sent before, and not on what else is under way: a seed can be tried again.
 */
export function mixedFaults({ seed, percent, of }: Mixture): (request: SeenRequest) => Fault | null {
  const sent = new Map<string, number>();
  return (request) => {
    const name = nameOfRequest(request);
    const nth = (sent.get(name) ?? 0) + 1;
    sent.set(name, nth);
    if (chanceOf(seed, `whether ${name} ${nth}`) * 100 >= percent) return null;
    const possible = of.map(bucketFault).filter(({ befalls }) => befalls?.(request) ?? true);
    const chosen = possible[Math.floor(chanceOf(seed, `which ${name} ${nth}`) * possible.length)];
    return chosen?.fault ?? null;
  };
}

/** Each request of its kind meets the fault the first time that it is sent, or every time. */
export function oneFault(name: BucketFaultName, how: 'first' | 'always'): (request: SeenRequest) => Fault | null {
  const { fault, befalls } = bucketFault(name);
  const sent = new Set<string>();
  return (request) => {
    if (befalls && !befalls(request)) return null;
    const which = nameOfRequest(request);
    if (how === 'first' && sent.has(which)) return null;
    sent.add(which);
    return fault;
  };
}
