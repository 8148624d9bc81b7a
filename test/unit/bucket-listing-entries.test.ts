import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ListedEntry, takeEntries as takeFrom } from '../../src/bucket/listing-entries.ts';

const HEAD =
  '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">';
const TAIL = '</ListBucketResult>';
const page = (inner: string) => `${HEAD}<Name>b</Name><IsTruncated>false</IsTruncated>${inner}${TAIL}`;
/** Of a document that is text, and what is left of it as text. */
const takeEntries = (document: string) => {
  const taken = takeFrom(Buffer.from(document));
  return taken && { ...taken, rest: taken.rest.toString() };
};

const ENTRY: ListedEntry = {
  key: 'photos/a.jpg',
  size: 12,
  etag: 'd41d8cd98f00b204e9800998ecf8427e',
  lastModifiedMs: Date.UTC(2026, 10, 21, 18, 14, 44, 7),
  storageClass: 'STANDARD',
};
const KEY = '<Key>photos/a.jpg</Key>';
const REST = '<LastModified>2026-11-21T18:14:44.007Z</LastModified><Size>12</Size>';
const ETAG = '<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>';

describe('the entries of a listing', () => {
  test.each([
    ['as Amazon writes them', `${KEY}${REST}${ETAG}<StorageClass>STANDARD</StorageClass>`],
    ['with plain quotation marks', `${KEY}${REST}<ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag>`],
    ['with elements inside of elements', `${KEY}<Owner><ID>1</ID><Name>Key</Name></Owner>${REST}${ETAG}`],
    [
      'with others that nobody needs',
      `<Type>Normal</Type>${KEY}${REST}${ETAG}<ChecksumAlgorithm>A</ChecksumAlgorithm>`,
    ],
    ['on lines of their own', `\n  ${KEY}\n\t${REST}\r\n${ETAG}\n`],
  ])('are read %s', (_how, inner) => {
    const taken = takeEntries(page(`<Contents>${inner}</Contents>`));
    expect(taken).toEqual({ entries: [ENTRY], rest: page('') });
  });

  test('are none in an empty listing, which stays as it is', () => {
    expect(takeEntries(page(''))).toEqual({ entries: [], rest: page('') });
  });

  test('leave the folders of a shallow listing to the SDK', () => {
    const folders = '<CommonPrefixes><Prefix>photos/x/</Prefix></CommonPrefixes>';
    const taken = takeEntries(page(`<Contents>${KEY}${REST}${ETAG}</Contents>\n${folders}`));
    expect(taken?.entries).toEqual([ENTRY]);
    expect(taken?.rest).toContain(folders);
  });

  test.each([
    ['entries in several places', `<Contents>${KEY}${REST}</Contents><Name>x</Name><Contents>${KEY}${REST}</Contents>`],
    ['an entry with a namespace of its own', `<Contents xmlns="urn:x">${KEY}${REST}</Contents>`],
    ['an entry with a space in its tag', `<Contents >${KEY}${REST}</Contents>`],
    ['an entry with a prefix', `<s3:Contents>${KEY}${REST}</s3:Contents>`],
    ['such an entry behind a usual one', `<Contents>${KEY}${REST}</Contents><Contents x="">${KEY}${REST}</Contents>`],
    ['such an entry before a usual one', `<Contents x="">${KEY}${REST}</Contents><Contents>${KEY}${REST}</Contents>`],
    ['an entry without a key', `<Contents>${REST}${ETAG}</Contents>`],
    ['an entry without a size', `<Contents>${KEY}<LastModified>2026-11-21T18:14:44Z</LastModified></Contents>`],
    ['a size that is no number', `<Contents>${KEY}${REST.replace('12<', '1e3<')}</Contents>`],
    ['a time of no zone', `<Contents>${KEY}${REST.replace('Z<', '<')}</Contents>`],
    ['a time that is damaged', `<Contents>${KEY}${REST.replace('2026-11-21T18', '2026-11<')}</Contents>`],
    [
      'an element that ends in another entry',
      `<Contents>${KEY}${REST}<Owner></Contents><Contents>${KEY}${REST}<Owner></Owner></Contents>`,
    ],
    ['a time that is none', `<Contents>${KEY}${REST.replace('2026-11-21', 'never')}</Contents>`],
    ['an entity that it does not know', `<Contents>${KEY.replace('a', '&eacute;')}${REST}</Contents>`],
    ['an ampersand by itself', `<Contents>${KEY.replace('a', '&')}${REST}</Contents>`],
    ['character data', `<Contents>${KEY.replace('photos', '<![CDATA[photos]]>')}${REST}</Contents>`],
    ['a comment around an entry', `<!-- <Contents>${KEY}${REST}</Contents> -->`],
    ['a key with elements in it', `<Contents><Key><b>x</b></Key>${REST}</Contents>`],
    ['attributes', `<Contents><Key lang="en">a</Key>${REST}</Contents>`],
    ['elements without an end', `<Contents><Owner/>${KEY}${REST}</Contents>`],
    ['text between elements', `<Contents>${KEY}und${REST}</Contents>`],
    ['an entry that is cut off', `<Contents>${KEY}${REST}`],
    ['a tag that is cut off', '<Contents><Ke'],
  ])('are left to the SDK where there is %s', (_what, inner) => {
    expect(takeEntries(page(inner))).toBeNull();
  });

  test('are left to the SDK wherever the page is cut off within them', () => {
    const whole = page(`<Contents>${KEY}${REST}${ETAG}</Contents>`);
    for (let end = whole.indexOf('<Contents>') + 10; end < whole.indexOf('</Contents>') + 11; end++) {
      expect(takeEntries(whole.slice(0, end))).toBeNull();
    }
  });

  const escaped = (text: string) =>
    text.replace(/[&<>"'\r\n]/g, (character) => `&#${character.charCodeAt(0)};`).replaceAll('&#38;', '&amp;');
  const entry = fc.record<ListedEntry>({
    key: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
    size: fc.nat(),
    etag: fc.oneof(fc.stringMatching(/^[0-9a-f]{32}(-[1-9])?$/), fc.constant('')),
    lastModifiedMs: fc.date({ min: new Date(0), max: new Date('2999-01-01'), noInvalidDate: true }).map(Number),
    storageClass: fc.constantFrom('STANDARD', 'DEEP_ARCHIVE', 'A & B'),
  });

  test('come out as they went in, whatever their keys', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 5 }), fc.infiniteStream(fc.nat()), (entries, order) => {
        const written = entries.map(({ key, size, etag, lastModifiedMs, storageClass }) => {
          const parts = [
            `<Key>${escaped(key)}</Key>`,
            `<Size>${size}</Size>`,
            etag === '' ? '' : `<ETag>&quot;${etag}&quot;</ETag>`,
            `<LastModified>${new Date(lastModifiedMs).toISOString()}</LastModified>`,
            `<StorageClass>${escaped(storageClass)}</StorageClass>`,
          ];
          const ranks = parts.map(() => order.next().value ?? 0);
          const shuffled = [...parts.keys()].sort((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0));
          return `<Contents>${shuffled.map((i) => parts[i]).join('')}</Contents>`;
        });
        expect(takeEntries(page(written.join('')))).toEqual({ entries, rest: page('') });
      }),
    );
  });
});
