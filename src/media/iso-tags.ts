/** The words in MP4 and QuickTime files: Apple's keys, and the older tags of user data. */
import { boxesIn, boxOf } from './boxes.ts';
import { decodeText, label, placeOf, prose } from './clean.ts';
import { momentOf } from './moment.ts';
import type { Told } from './told.ts';

const UTF8 = 1;
const MOST_KEYS = 256;
const QUICKTIME = 'com.apple.quicktime.';

/** From the contents of `moov/meta` and `moov/udta`. */
export function toldByTags(meta: Buffer | null, udta: Buffer | null): Told {
  const userData = boxesIn(udta ?? Buffer.alloc(0));
  const keyed = new Map([...itemsOf(boxOf(userData, 'meta')), ...itemsOf(meta)]);
  // A tag of user data has its length and its language before it.
  const text = (key: string, tag: string) =>
    keyed.get(QUICKTIME + key) ?? keyed.get(tag) ?? decodeText(boxOf(userData, tag)?.subarray(4) ?? Buffer.alloc(0));
  return {
    takenAt: momentOf(text('creationdate', '\xa9day')),
    make: label(text('make', '\xa9mak')),
    model: label(text('model', '\xa9mod')),
    gps: placeIn(text('location.ISO6709', '\xa9xyz')),
    title: prose(text('title', '\xa9nam')),
    description: prose(text('description', '\xa9des')),
  };
}

/** Texts by key: an item is called by a name of four letters, or by the number of its key. */
function itemsOf(meta: Buffer | null): ReadonlyMap<string, string> {
  const items = new Map<string, string>();
  if (meta === null || meta.length < 8) return items;
  // QuickTime's box has no version before its content.
  const boxes = boxesIn(meta.toString('latin1', 4, 8) === 'hdlr' ? meta : meta.subarray(4));
  const keys = keysOf(boxOf(boxes, 'keys'));
  for (const { type, content } of boxesIn(boxOf(boxes, 'ilst') ?? Buffer.alloc(0))) {
    const data = boxOf(boxesIn(content), 'data');
    if (data === null || data.length <= 8 || data.readUInt32BE(0) !== UTF8) continue;
    const number = Buffer.from(type, 'latin1').readUInt32BE(0);
    items.set(keys[number - 1] ?? type, decodeText(data.subarray(8)));
  }
  return items;
}

function keysOf(keys: Buffer | null): readonly string[] {
  const names: string[] = [];
  for (let at = 8; keys !== null && at + 8 <= keys.length && names.length < MOST_KEYS; ) {
    const length = keys.readUInt32BE(at);
    if (length < 8) break;
    names.push(keys.toString('utf8', at + 8, at + length));
    at += length;
  }
  return names;
}

/** ISO 6709: `+48.1371+011.5753+520.0/`. */
function placeIn(text: string): Told['gps'] {
  const match = /^([+-]\d{1,2}(?:\.\d{1,12})?)([+-]\d{1,3}(?:\.\d{1,12})?)([+-]\d{1,6}(?:\.\d{1,6})?)?/.exec(text);
  if (match === null) return undefined;
  return placeOf(Number(match[1]), Number(match[2]), match[3] === undefined ? undefined : Number(match[3]));
}
