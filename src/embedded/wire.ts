/** What clients and the host of the embedded services say to each other: JSON lines, a number on each request. */

import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Starts the parts that do not run yet. */
export interface OpenRequest {
  readonly do: 'open';
  readonly database: boolean;
  readonly s3: boolean;
}

/** Makes a bucket unless it exists. */
export interface BucketRequest {
  readonly do: 'bucket';
  readonly name: string;
}

export type Request = OpenRequest | BucketRequest;

/** Where the embedded S3 is and what it lets in. */
export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Opened {
  readonly database: { readonly url: string } | null;
  readonly s3: S3Access | null;
  readonly notices: readonly string[];
}

export type Numbered<T> = T & { readonly id: number };

export type Answer = Numbered<
  { readonly done: Opened | null } | { readonly failed: { readonly code: string; readonly message: string } }
>;

/** Calls `take` with each message that arrives. Only for a peer of our own: messages are not validated. */
export function onMessages<Message>(socket: Socket, take: (message: Message) => void): void {
  const lines = createInterface({ input: socket });
  lines.on('line', (line) => take(JSON.parse(line) as Message));
  // It passes on the socket's error, which whoever has the socket sees as its close.
  lines.on('error', () => {});
}

export function send(socket: Socket, message: Numbered<Request> | Answer): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}
