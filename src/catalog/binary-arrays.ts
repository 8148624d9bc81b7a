/**
 * Arrays of one dimension in PostgreSQL's binary form, which the driver passes on as they are: neither side has to make
 * text of thousands of values and read it again.
 */
import { randomFillSync } from 'node:crypto';

const BOOL = 16;
const INT8 = 20;
const TEXT = 25;
const UUID = 2950;

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const UUID_BYTES = 16;
const NONE = -1;
const TWO_32 = 2 ** 32;

/** `text[]`; also of enums, for a cast of each in the statement: their types have another number in every database. */
export function textArray(values: readonly (string | null)[]): Buffer {
  // UTF-8 takes three bytes at most for what is one unit of a string.
  const most = values.reduce((sum, value) => sum + LENGTH_BYTES + 3 * (value?.length ?? 0), HEADER_BYTES);
  const bytes = arrayOf(TEXT, values.length, most);
  let at = HEADER_BYTES;
  let [last, lastAt, lastLength]: [string | null, number, number] = [null, 0, NONE];
  for (const value of values) {
    const start = at + LENGTH_BYTES;
    // What is the same for a whole album is encoded once.
    if (value !== null && value === last) bytes.copyWithin(start, lastAt, lastAt + lastLength);
    else [last, lastAt, lastLength] = [value, start, value === null ? NONE : bytes.write(value, start)];
    at = bytes.writeInt32BE(lastLength, at) + Math.max(lastLength, 0);
  }
  return bytes.subarray(0, at);
}

/** `bigint[]`. A number must be a whole one. */
export function bigintArray(values: readonly (bigint | number | null | undefined)[]): Buffer {
  const bytes = arrayOf(INT8, values.length, HEADER_BYTES + values.length * (LENGTH_BYTES + 8));
  let at = HEADER_BYTES;
  for (const value of values) {
    if (value === null || value === undefined) {
      at = bytes.writeInt32BE(NONE, at);
      continue;
    }
    at = bytes.writeInt32BE(8, at);
    if (typeof value === 'bigint') at = bytes.writeBigInt64BE(value, at);
    else at = writeWhole(bytes, value, at);
  }
  return bytes.subarray(0, at);
}

/** Without a bigint for each. */
function writeWhole(bytes: Buffer, value: number, at: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number`);
  return bytes.writeUInt32BE(value >>> 0, bytes.writeInt32BE(Math.floor(value / TWO_32), at));
}

/** `boolean[]` */
export function booleanArray(values: readonly boolean[]): Buffer {
  const bytes = arrayOf(BOOL, values.length, HEADER_BYTES + values.length * (LENGTH_BYTES + 1));
  let at = HEADER_BYTES;
  for (const value of values) at = bytes.writeUInt8(value ? 1 : 0, bytes.writeInt32BE(1, at));
  return bytes;
}

/** `uuid[]` */
export function uuidArray(values: readonly string[]): Buffer {
  const bytes = uuids(values.length);
  let last: string | null = null;
  values.forEach((value, index) => {
    const at = placeOfUuid(index);
    if (value === last) bytes.copyWithin(at, placeOfUuid(index - 1), placeOfUuid(index - 1) + UUID_BYTES);
    else if (bytes.write(value.replaceAll('-', ''), at, UUID_BYTES, 'hex') < UUID_BYTES) throw noUuid(value);
    last = value;
  });
  return bytes;
}

function noUuid(value: string): RangeError {
  return new RangeError(`"${value}" is no UUID`);
}

/**
 * `uuid[]` with so many new ids, each greater than the one before (RFC 9562, version 7, with a counter behind the
 * milliseconds). What is written together then lies together at the end of the index of ids, where random ones would
 * touch as many pages of it as there are rows; and the server takes longer to make a random one than for the rest of it.
 */
export function newIds(count: number): Buffer {
  const bytes = uuids(count);
  const random = randomFillSync(Buffer.allocUnsafe(count * 8));
  const now = Date.now();
  for (let index = 0; index < count; index++) {
    const at = placeOfUuid(index);
    bytes.writeUIntBE(now + Math.floor(index / 4096), at, 6);
    bytes.writeUInt16BE(0x7000 | (index % 4096), at + 6);
    random.copy(bytes, at + 8, index * 8, index * 8 + 8);
    bytes.writeUInt8(0x80 | ((bytes[at + 8] ?? 0) & 0x3f), at + 8);
  }
  return bytes;
}

function uuids(count: number): Buffer {
  const bytes = arrayOf(UUID, count, placeOfUuid(count) - LENGTH_BYTES);
  for (let index = 0; index < count; index++) bytes.writeInt32BE(UUID_BYTES, placeOfUuid(index) - LENGTH_BYTES);
  return bytes;
}

function placeOfUuid(index: number): number {
  return HEADER_BYTES + index * (LENGTH_BYTES + UUID_BYTES) + LENGTH_BYTES;
}

/** Dimensions, whether any may be null, the type; then how many, from 1 on. An array of none has one dimension here. */
function arrayOf(type: number, count: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  [1, 1, type, count, 1].forEach((value, index) => {
    bytes.writeInt32BE(value, index * 4);
  });
  return bytes;
}
