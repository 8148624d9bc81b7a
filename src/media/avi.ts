/** AVI: the films of older cameras. Its main header is always at the same place. */
import { within } from './clean.ts';
import { side } from './iso-video.ts';
import type { Container, PiecewiseFile } from './piecewise.ts';
import { LONGEST_MS } from './told.ts';

const HEADER_AT = 32;

export function isAvi(head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'AVI ';
}

export async function readAvi(file: PiecewiseFile): Promise<Container> {
  const bytes = await file.read(0, HEADER_AT + 40);
  const isThere = bytes.length === HEADER_AT + 40 && bytes.toString('latin1', 24, 28) === 'avih';
  const at = (offset: number) => (isThere ? bytes.readUInt32LE(HEADER_AT + offset) : 0);
  // Microseconds a frame, times frames.
  const duration = within(Math.round((at(0) * at(16)) / 1000), 1, LONGEST_MS);
  return {
    extent: { width: side(at(32)), height: side(at(36)), durationMs: duration ?? null },
    told: {},
    cutOff: !isThere || bytes.readUInt32LE(4) + 8 > file.size,
  };
}
