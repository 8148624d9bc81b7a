/** Reflected CRCs that Node has no native code for, and the CRC of two stretches together from the CRC of each. */

/** Polynomials with their bits reflected, as the tables want them. */
export const CRC_POLYNOMIALS = {
  CRC32: { polynomial: 0xedb88320n, bits: 32n },
  CRC32C: { polynomial: 0x82f63b78n, bits: 32n },
  CRC64NVME: { polynomial: 0x9a6c9329ac4bc9b5n, bits: 64n },
} as const;

interface Tables {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** Eight tables of 256: table k advances a byte by k further zero bytes, so that eight bytes cost eight look-ups. */
function makeTables({ polynomial, bits }: { polynomial: bigint; bits: bigint }): Tables {
  const low = new Int32Array(8 * 256);
  const high = new Int32Array(8 * 256);
  const values: bigint[] = [];
  for (let byte = 0n; byte < 256n; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    values.push(value);
  }
  for (let i = 256; i < low.length; i++) {
    const before = values[i - 256] ?? 0n;
    values.push((before >> 8n) ^ (values[Number(before & 0xffn)] ?? 0n));
  }
  for (const [i, value] of values.entries()) {
    low[i] = Number(BigInt.asIntN(32, value));
    high[i] = bits === 64n ? Number(BigInt.asIntN(32, value >> 32n)) : 0;
  }
  return { low, high };
}

const CRC32C_TABLES = makeTables(CRC_POLYNOMIALS.CRC32C);
const CRC64_TABLES = makeTables(CRC_POLYNOMIALS.CRC64NVME);

/** CRC-32C (Castagnoli). */
export class Crc32c {
  #value = -1;

  update(data: Buffer): void {
    const t = CRC32C_TABLES.low;
    let crc = this.#value;
    let at = 0;
    for (const end = data.length - 8; at <= end; at += 8) {
      const a = crc ^ data.readInt32LE(at);
      const b = data.readInt32LE(at + 4);
      crc = look(t, 7, a) ^ look(t, 6, a >>> 8) ^ look(t, 5, a >>> 16) ^ look(t, 4, a >>> 24);
      crc ^= look(t, 3, b) ^ look(t, 2, b >>> 8) ^ look(t, 1, b >>> 16) ^ look(t, 0, b >>> 24);
    }
    for (; at < data.length; at++) crc = (crc >>> 8) ^ look(t, 0, crc ^ data.readUInt8(at));
    this.#value = crc;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(~this.#value);
    return bytes;
  }
}

/** CRC-64/NVME, in two halves of 32 bits. */
export class Crc64Nvme {
  #low = -1;
  #high = -1;

  update(data: Buffer): void {
    const { low: l, high: h } = CRC64_TABLES;
    let low = this.#low;
    let high = this.#high;
    let at = 0;
    for (const end = data.length - 8; at <= end; at += 8) {
      const a = low ^ data.readInt32LE(at);
      const b = high ^ data.readInt32LE(at + 4);
      low = look(l, 7, a) ^ look(l, 6, a >>> 8) ^ look(l, 5, a >>> 16) ^ look(l, 4, a >>> 24);
      low ^= look(l, 3, b) ^ look(l, 2, b >>> 8) ^ look(l, 1, b >>> 16) ^ look(l, 0, b >>> 24);
      high = look(h, 7, a) ^ look(h, 6, a >>> 8) ^ look(h, 5, a >>> 16) ^ look(h, 4, a >>> 24);
      high ^= look(h, 3, b) ^ look(h, 2, b >>> 8) ^ look(h, 1, b >>> 16) ^ look(h, 0, b >>> 24);
    }
    for (; at < data.length; at++) {
      const byte = low ^ data.readUInt8(at);
      low = (low >>> 8) ^ (high << 24) ^ look(l, 0, byte);
      high = (high >>> 8) ^ look(h, 0, byte);
    }
    this.#low = low;
    this.#high = high;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32BE(~this.#high, 0);
    bytes.writeInt32BE(~this.#low, 4);
    return bytes;
  }
}

function look(table: Int32Array, which: number, byte: number): number {
  return table[(which << 8) | (byte & 0xff)] as number;
}

/** The CRC of two stretches in a row, from the CRC of each and the second one's length in bytes. */
export function combineCrc(name: keyof typeof CRC_POLYNOMIALS, first: bigint, second: bigint, length: number): bigint {
  const { polynomial, bits } = CRC_POLYNOMIALS[name];
  const one = 1n << (bits - 1n);
  const multiply = (a: bigint, b: bigint): bigint => {
    let product = 0n;
    let power = b;
    for (let bit = one; bit > 0n; bit >>= 1n) {
      if (a & bit) product ^= power;
      power = power & 1n ? (power >> 1n) ^ polynomial : power >> 1n;
    }
    return product;
  };
  // x^(8 * length), by squaring.
  let shift = one;
  let square = one >> 8n;
  for (let rest = BigInt(length); rest > 0n; rest >>= 1n) {
    if (rest & 1n) shift = multiply(shift, square);
    square = multiply(square, square);
  }
  return multiply(shift, first) ^ second;
}
