/** IPTC-IIM: what agencies wrote before there was XMP. */
import { decodeText, keywordsOf, prose } from './clean.ts';
import { momentOf } from './moment.ts';
import type { Told } from './told.ts';

const MARK = 0x1c;
const APPLICATION = 2;
const MOST_FIELDS = 4_096;

/** Within the resources of Photoshop, which is how JPEG and TIFF carry it. */
const RESOURCE = Buffer.from('8BIM\x04\x04', 'latin1');

/** Null when there is none. */
export function readIptc(block: Buffer | undefined): Told | null {
  if (block === undefined) return null;
  const fields = fieldsOf(recordsOf(block));
  if (fields.size === 0) return null;
  const one = (number: number) => fields.get(number)?.[0];
  return {
    takenAt: momentOf(dateOf(one(55), one(60))),
    title: prose(one(5)),
    description: prose(one(120)),
    keywords: keywordsOf(fields.get(25) ?? []),
  };
}

/** `20230203` and `040506+0700` as one. */
function dateOf(date: string | undefined, time: string | undefined): string | undefined {
  const day = date?.replace(/^(\d{4})(\d{2})(\d{2}).*$/s, '$1-$2-$3');
  const clock = /^(\d{2})(\d{2})(\d{2})([+-]\d{4})?/.exec(time ?? '');
  return clock === null ? day : `${day}T${clock[1]}:${clock[2]}:${clock[3]}${clock[4] ?? ''}`;
}

function recordsOf(block: Buffer): Buffer {
  const at = block.indexOf(RESOURCE);
  if (at < 0) return block;
  // A Pascal string of even length, then four bytes of length.
  const name = at + RESOURCE.length;
  const lengthAt = name + ((block[name] ?? 0) | 1) + 1;
  if (lengthAt + 4 > block.length) return block.subarray(0, 0);
  return block.subarray(lengthAt + 4, lengthAt + 4 + block.readUInt32BE(lengthAt));
}

/** Fields of the application record by their numbers. */
function fieldsOf(records: Buffer): ReadonlyMap<number, readonly string[]> {
  const fields = new Map<number, string[]>();
  let at = 0;
  for (let seen = 0; seen < MOST_FIELDS && at + 5 <= records.length && records[at] === MARK; seen++) {
    const length = records.readUInt16BE(at + 3);
    // The highest bit says that a longer length follows, which no text here needs.
    if (length > 0x7fff) break;
    const [record, number] = [records[at + 1], records[at + 2] ?? 0];
    const value = records.subarray(at + 5, at + 5 + length);
    if (record === APPLICATION) {
      const others = fields.get(number);
      if (others === undefined) fields.set(number, [decodeText(value)]);
      else others.push(decodeText(value));
    }
    at += 5 + length;
  }
  return fields;
}
