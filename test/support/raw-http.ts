/** HTTP as bytes on a socket: what no client library would send can be sent too. */
import { connect } from 'node:net';

export interface RawRequest {
  readonly method: string;
  /** As it stands in the request line; each character is a byte. */
  readonly target: string;
  /** Each character of a value is a byte. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | null;
}

export interface RawAnswer {
  /** 0: the server hung up without an answer. */
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends one request on a connection of its own and reads the answer to its end, or for `patienceMs`. */
export async function sendRaw(port: number, request: RawRequest, patienceMs = 20_000): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(patienceMs, () => reject(new Error(`no end of the answer to ${request.method} ${request.target}`)));
  // A server that refuses a large body early resets the connection; what it had said by then counts.
  socket.on('error', () => resolve(Buffer.concat(chunks)));
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('close', () => resolve(Buffer.concat(chunks)));
  const { method, target, headers, body } = request;
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(given.has('host') ? [] : ['Host: localhost']),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === null || given.has('content-length') || given.has('transfer-encoding')
      ? []
      : [`Content-Length: ${body.length}`]),
    'Connection: close',
  ];
  socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
  if (body !== null) socket.write(body);
  try {
    return parseAnswer(await promise);
  } finally {
    socket.destroy();
  }
}

function parseAnswer(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return { status: 0, headers: new Map(), body: bytes.toString('latin1') };
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const rest = bytes.subarray(end + 4);
  const body = headers.get('transfer-encoding') === 'chunked' ? unchunked(rest) : rest;
  return { status: Number(statusLine.split(' ')[1]), headers, body: body.toString('utf8') };
}

function unchunked(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = lineEnd < 0 ? 0 : Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    if (!(size > 0)) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
