/** Finds JPEGs inside of other files. */

export interface EmbeddedJpeg {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
}

const START = Buffer.from([0xff, 0xd8, 0xff]);
/** Segments before the one that tells the size. */
const MOST_SEGMENTS = 64;
/** What begins like a JPEG and is looked at. */
const MOST_STARTS = 4_096;

/** The JPEG that the bytes begin with; null if it is none, or one that only RAW converters read (lossless, 12 bits). */
export function jpegAt(bytes: Buffer): EmbeddedJpeg | null {
  if (!bytes.subarray(0, START.length).equals(START)) return null;
  for (let at = 2, seen = 0; at + 9 < bytes.length && seen < MOST_SEGMENTS; seen++) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) return null;
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      const shown = marker <= 0xc2 && bytes[at + 4] === 8 && width > 0 && height > 0;
      return shown ? { bytes, width, height } : null;
    }
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}

/** Every JPEG of a file, wherever it is; each reaches to the end of the file, which decoders don't mind. */
export function* jpegsIn(file: Buffer): Generator<EmbeddedJpeg> {
  let at = file.indexOf(START);
  for (let seen = 0; at >= 0 && seen < MOST_STARTS; seen++) {
    const found = jpegAt(file.subarray(at));
    if (found !== null) yield found;
    at = file.indexOf(START, at + START.length);
  }
}

export function largest(jpegs: Iterable<EmbeddedJpeg | null>): EmbeddedJpeg | null {
  let best: EmbeddedJpeg | null = null;
  for (const jpeg of jpegs) {
    if (jpeg !== null && (best === null || jpeg.width * jpeg.height > best.width * best.height)) best = jpeg;
  }
  return best;
}
