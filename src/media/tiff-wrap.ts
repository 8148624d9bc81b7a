/** Wraps bare pixels as an uncompressed TIFF: the one way to hand sharp pixels together with their colour profile. */

export interface BarePixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

const HEADER_BYTES = 8;
const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;

/** For pictures of a few megapixels: all is copied once. */
export function wrapped({ data, width, height, channels }: BarePixels, icc: Buffer): Buffer {
  const fields: (readonly [tag: number, type: number, values: readonly number[] | Buffer])[] = [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, Array<number>(channels).fill(8)],
    [259, SHORT, [1]],
    [262, SHORT, [2]],
    [273, LONG, [HEADER_BYTES]],
    [277, SHORT, [channels]],
    [278, LONG, [height]],
    [279, LONG, [data.length]],
    ...(channels === 4 ? [[338, SHORT, [2]] as const] : []),
    [34675, UNDEFINED, icc],
  ];
  // Directories begin at even offsets.
  const padding = Buffer.alloc(data.length % 2);
  const directoryAt = HEADER_BYTES + data.length + padding.length;
  const header = Buffer.from('II*\0\0\0\0\0', 'latin1');
  header.writeUInt32LE(directoryAt, 4);
  return Buffer.concat([header, data, padding, directory(fields, directoryAt)]);
}

/** The entries, and after them the values that don't fit into them. */
function directory(fields: readonly (readonly [number, number, readonly number[] | Buffer])[], at: number): Buffer {
  const entries = Buffer.alloc(2 + fields.length * 12 + 4);
  const values: Buffer[] = [];
  let valueAt = at + entries.length;
  entries.writeUInt16LE(fields.length, 0);
  for (const [i, [tag, type, of]] of fields.entries()) {
    const bytes = encoded(type, of);
    const entry = 2 + i * 12;
    entries.writeUInt16LE(tag, entry);
    entries.writeUInt16LE(type, entry + 2);
    entries.writeUInt32LE(of.length, entry + 4);
    if (bytes.length <= 4) entries.set(bytes, entry + 8);
    else {
      entries.writeUInt32LE(valueAt, entry + 8);
      values.push(bytes);
      valueAt += bytes.length;
    }
  }
  return Buffer.concat([entries, ...values]);
}

function encoded(type: number, values: readonly number[] | Buffer): Buffer {
  if (Buffer.isBuffer(values)) return values;
  const size = type === SHORT ? 2 : 4;
  const bytes = Buffer.alloc(values.length * size);
  for (const [i, value] of values.entries()) bytes.writeUIntLE(value, i * size, size);
  return bytes;
}
