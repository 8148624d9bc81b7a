/** The checksum that a server tells of an object, computed again from the bytes that come. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { crc32Base64 } from './checksums.ts';

export interface ToldChecksum {
  /** For people. */
  readonly name: string;
  /** In base64, as the server told it. */
  readonly told: string;
  readonly update: (chunk: Buffer) => void;
  /** What the bytes so far have, in base64. */
  readonly digest: () => string;
}

type Running = Pick<ToldChecksum, 'update' | 'digest'>;

/**
 * The checksum of the whole object in this answer, if it is of a kind that Node computes as fast as the MD5: CRC32C
 * and CRC64NVME are not. One that was made of the checksums of parts tells nothing without them.
 */
export function toldChecksum(answer: GetObjectCommandOutput): ToldChecksum | null {
  if (answer.ChecksumType === 'COMPOSITE') return null;
  const kinds = [
    ['SHA-256', answer.ChecksumSHA256, () => hashing('sha256')],
    ['SHA-1', answer.ChecksumSHA1, () => hashing('sha1')],
    ['CRC-32', answer.ChecksumCRC32, summing],
  ] as const;
  for (const [name, told, start] of kinds) {
    // `…-N`: of N parts, from a server that does not tell the type.
    if (told !== undefined && !told.includes('-')) return { name, told, ...start() };
  }
  return null;
}

function hashing(algorithm: 'sha1' | 'sha256'): Running {
  const hash = createHash(algorithm);
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('base64') };
}

function summing(): Running {
  let crc = 0;
  const update = (chunk: Buffer): void => {
    crc = crc32(chunk, crc);
  };
  return { update, digest: () => crc32Base64(crc) };
}
