/** The boxes of ISO base media files (ISO 14496-12): CR3, JPEG XL, MP4 and QuickTime. */

export interface Box {
  readonly type: string;
  readonly content: Buffer;
}

/** More than any file has at one level. */
const MOST_BOXES = 256;

/** The boxes of one level, as far as they are within the bytes; the last one may be cut off. */
export function boxesIn(bytes: Buffer): readonly Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at + 8 <= bytes.length && boxes.length < MOST_BOXES; ) {
    const { type, headerLength, length } = boxHeader(bytes.subarray(at), bytes.length - at);
    if (length < headerLength) break;
    boxes.push({ type, content: bytes.subarray(at + headerLength, at + length) });
    at += length;
  }
  return boxes;
}

/** Of the box that these bytes (at least 8, better 16) begin with; `room` is how long it is when it goes to the end. */
export function boxHeader(bytes: Buffer, room: number) {
  const type = bytes.toString('latin1', 4, 8);
  const short = bytes.readUInt32BE(0);
  if (short === 0) return { type, headerLength: 8, length: room };
  if (short !== 1 || bytes.length < 16) return { type, headerLength: 8, length: short };
  return { type, headerLength: 16, length: Number(bytes.readBigUInt64BE(8)) };
}

/** The first box of a type. */
export function boxOf(boxes: readonly Box[], type: string): Buffer | null {
  return boxes.find((box) => box.type === type)?.content ?? null;
}

/** Does a box at the top say that it goes on where the file has ended? */
export function isCutOff(file: Buffer): boolean {
  for (let at = 0, seen = 0; at + 8 <= file.length && seen < MOST_BOXES; seen++) {
    const { headerLength, length } = boxHeader(file.subarray(at, at + 16), file.length - at);
    if (length < headerLength) return false;
    at += length;
    if (at > file.length) return true;
  }
  return false;
}
