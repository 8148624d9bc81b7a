/** Checksums as the headers of S3 carry them. */
import { crc32 } from 'node:zlib';

/** CRC-32 for `x-amz-checksum-crc32`: four bytes, most significant first, in base64. */
export function crc32Of(bytes: Buffer): string {
  return crc32Base64(crc32(bytes));
}

/** The same of a CRC-32 that was computed already. */
export function crc32Base64(value: number): string {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(value);
  return crc.toString('base64');
}

/** An MD5 in hex for `Content-MD5`, and as rclone keeps it in metadata. */
export function md5Base64(md5: string): string {
  return Buffer.from(md5, 'hex').toString('base64');
}
