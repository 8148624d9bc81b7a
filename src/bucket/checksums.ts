/** Checksums as the headers of S3 carry them. */
import { crc32 } from 'node:zlib';

/** CRC-32 for `x-amz-checksum-crc32`: four bytes, most significant first, in base64. */
export function crc32Of(bytes: Buffer): string {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytes));
  return crc.toString('base64');
}

/** An MD5 in hex for `Content-MD5`, and as rclone keeps it in metadata. */
export function md5Base64(md5: string): string {
  return Buffer.from(md5, 'hex').toString('base64');
}
