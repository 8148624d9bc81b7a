/** What is to be done about the colours of a picture. */
import type { Metadata } from 'sharp';
import { decodeText, label } from './clean.ts';

export interface Colour {
  /** The decoder converts it to sRGB: inks, grey, 16 bits. It does so with every pixel, before it scales the picture. */
  readonly byDecoder: boolean;
  /** To be converted from, once the picture is small: several times as fast. Null: it is in sRGB. */
  readonly profile: Buffer | null;
}

/** Names under which sRGB is in files. One that is not known costs time and no colours. */
const SRGB = /^sRGB(?: IEC61966-2[-.]1| built-in)?$|^c2(?:ci)?$|^[nuz]RGB$/;

export function colourOf({ space, depth, channels, icc }: Metadata): Colour {
  if (space !== 'srgb' || depth !== 'uchar' || channels < 3) return { byDecoder: true, profile: null };
  return { byDecoder: false, profile: icc === undefined || SRGB.test(nameOf(icc)) ? null : icc };
}

const TAGS_AT = 128;
const MOST_TAGS = 64;

/** What a profile calls itself (ICC.1:2022, 9.2.41 and 10.15; and as in version 2). */
function nameOf(icc: Buffer): string {
  const count = icc.length < TAGS_AT + 4 ? 0 : Math.min(icc.readUInt32BE(TAGS_AT), MOST_TAGS);
  for (let at = TAGS_AT + 4; at < TAGS_AT + 4 + count * 12 && at + 12 <= icc.length; at += 12) {
    if (icc.toString('latin1', at, at + 4) !== 'desc') continue;
    const begin = icc.readUInt32BE(at + 4);
    const tag = icc.subarray(begin, begin + icc.readUInt32BE(at + 8));
    return label(tag.toString('latin1', 0, 4) === 'mluc' ? wide(tag) : decodeText(tag.subarray(12, 76))) ?? '';
  }
  return '';
}

/** The first of its languages, in UTF-16 with the high byte first. */
function wide(tag: Buffer): string {
  if (tag.length < 28) return '';
  const [length, offset] = [tag.readUInt32BE(20), tag.readUInt32BE(24)];
  return new TextDecoder('utf-16be').decode(tag.subarray(offset, offset + Math.min(length, 128)));
}
