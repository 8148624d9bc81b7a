/** What a file is, by its first bytes; its name counts only where they don't say. */
import { extname } from 'node:path';

/**
 * `sharp`: what sharp decodes. `heif`: HEIC and AVIF, told apart by their codec. `raw`: a camera's own format, with a
 * preview inside. `broken`: not what its name says. `unsupported`: anything else.
 */
export type Format = 'sharp' | 'heif' | 'raw' | 'jxl' | 'broken' | 'unsupported';

/** So many bytes are enough to tell. */
export const SNIFFED_BYTES = 64;

const RAWS = new Set(
  '3fr arw cr2 cr3 crw dng erf fff iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f'.split(' '),
);

/** Names of what can be read: a file with one of them that begins with something else is broken. */
const READABLE = new Set('jpg jpeg jpe jfif png gif webp tif tiff heic heif hif avif'.split(' '));

const SHARP: readonly (readonly [offset: number, bytes: string])[] = [
  [0, '\xff\xd8\xff'],
  [0, '\x89PNG\r\n\x1a\n'],
  [0, 'GIF87a'],
  [0, 'GIF89a'],
  [8, 'WEBP'],
];

const TIFFS = ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'];
const RAW_MARKS = ['IIU\0', 'IIRO', 'IIRS', 'MMOR', 'FUJIFILM', 'FOVb', '\0MRM'];
const HEIF_BRANDS = new Set('heic heix heim heis hevc hevx mif1 mif2 msf1 avif avis miaf'.split(' '));
const JXL_MARKS = ['\xff\x0a', '\0\0\0\x0cJXL \r\n\x87\n'];

export function formatOf(head: Buffer, fileName: string): Format {
  const text = head.toString('latin1', 0, SNIFFED_BYTES);
  const extension = extname(fileName).slice(1).toLowerCase();
  const begins = (mark: string) => text.startsWith(mark);
  if (SHARP.some(([offset, bytes]) => text.startsWith(bytes, offset))) return 'sharp';
  if (TIFFS.some(begins)) return RAWS.has(extension) || text.startsWith('CR\x02', 8) ? 'raw' : 'sharp';
  if (RAW_MARKS.some(begins) || text.startsWith('HEAPCCDR', 6)) return 'raw';
  if (text.startsWith('ftyp', 4)) return ofBrands(text);
  if (JXL_MARKS.some(begins)) return 'jxl';
  // Many a maker and program has called something .raw.
  return READABLE.has(extension) || (RAWS.has(extension) && extension !== 'raw') ? 'broken' : 'unsupported';
}

/** The brand and, since some write their own first, those it says it is compatible with. */
function ofBrands(text: string): Format {
  if (text.startsWith('crx ', 8)) return 'raw';
  const brands = [text.slice(8, 12), ...(text.slice(16).match(/.{4}/gs) ?? [])];
  return brands.some((brand) => HEIF_BRANDS.has(brand)) ? 'heif' : 'unsupported';
}
