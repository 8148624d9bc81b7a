/** Wraps bare pixels as an uncompressed TIFF: the one way to hand sharp pixels together with their colour profile. */

const STRIP_ROWS = 64;

/** Header and pixels come first, so that pixels can be written in place before anything else is. */
export const PIXELS_AT = 8;

const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;

export interface BarePixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

/** How long the whole is. */
export function wrappedLength(pixels: BarePixels, icc: Uint8Array | null): number {
  return tailAt(pixels) + tailOf(pixels, icc).length;
}

/** Completes a buffer that has its pixels at PIXELS_AT. */
export function wrap(target: Buffer, pixels: BarePixels, icc: Uint8Array | null): void {
  target.write('II*\0', 'latin1');
  target.writeUInt32LE(tailAt(pixels), 4);
  target.set(tailOf(pixels, icc), tailAt(pixels));
}

function pixelBytes({ width, height, channels }: BarePixels): number {
  return width * height * channels;
}

/** Directories begin at even offsets. */
function tailAt(pixels: BarePixels): number {
  const end = PIXELS_AT + pixelBytes(pixels);
  return end + (end % 2);
}

/** The directory, and the values that don't fit into it. */
function tailOf(pixels: BarePixels, icc: Uint8Array | null): Buffer {
  const { width, height, channels } = pixels;
  const strips = Math.ceil(height / STRIP_ROWS);
  const stripBytes = width * channels * STRIP_ROWS;
  const lastBytes = pixelBytes(pixels) - stripBytes * (strips - 1);
  const fields: (readonly [tag: number, type: number, values: readonly number[] | Uint8Array])[] = [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, Array<number>(channels).fill(8)],
    [259, SHORT, [1]],
    [262, SHORT, [2]],
    [273, LONG, Array.from({ length: strips }, (_, i) => PIXELS_AT + i * stripBytes)],
    [277, SHORT, [channels]],
    [278, LONG, [STRIP_ROWS]],
    [279, LONG, Array.from({ length: strips }, (_, i) => (i === strips - 1 ? lastBytes : stripBytes))],
    ...(channels === 4 ? [[338, SHORT, [2]] as const] : []),
    ...(icc === null ? [] : [[34675, UNDEFINED, icc] as const]),
  ];
  const directory = Buffer.alloc(2 + fields.length * 12 + 4);
  const values: Buffer[] = [];
  let valueAt = tailAt(pixels) + directory.length;
  directory.writeUInt16LE(fields.length, 0);
  for (const [i, [tag, type, of]] of fields.entries()) {
    const bytes = encoded(type, of);
    const at = 2 + i * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(of.length, at + 4);
    if (bytes.length <= 4) directory.set(bytes, at + 8);
    else {
      directory.writeUInt32LE(valueAt, at + 8);
      values.push(bytes);
      valueAt += bytes.length;
    }
  }
  return Buffer.concat([directory, ...values]);
}

function encoded(type: number, values: readonly number[] | Uint8Array): Buffer {
  if (values instanceof Uint8Array) return Buffer.from(values);
  const size = type === SHORT ? 2 : 4;
  const bytes = Buffer.alloc(values.length * size);
  for (const [i, value] of values.entries()) bytes.writeUIntLE(value, i * size, size);
  return bytes;
}
