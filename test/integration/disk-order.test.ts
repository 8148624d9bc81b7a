import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openDisk } from '../../src/disk/disk.ts';
import { entriesOf, temporaryLibrary } from '../support/temporary-library.ts';

// Around the slash in byte order, letters with two normalisations, and both sides of the surrogates in UTF-8 order.
const letter = fc.constantFrom(
  ...['-', '.', '!', ' ', '0', '+', '%', 'a', 'b', 'A', '~', '\x01', '\x7f'],
  ...['\u00e9', 'e\u0301', '\u0301', 'e', '\u212b', 'A\u030a', '\uac00', '\u1100\u1161'],
  ...['\ud7ff', '\ue000', '\uffee', '\uffff', '😀', '\u{10000}', '\u{10ffff}', '\u{1d15e}'],
);
const name = fc.array(letter, { minLength: 1, maxLength: 3 }).map((letters) => letters.join(''));
const path = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .filter((parts) => !parts.some((part) => /^\.{1,2}$|^\.~/.test(part)));

test('any tree is walked in the byte order of its keys, each key once and every file seen', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(path, { maxLength: 40 }), async (paths) => {
      using photos = temporaryLibrary();
      const written = paths.map((parts) => parts.join('/')).filter((one) => tryToWrite(photos.at(one)));
      const disk = openDisk(photos.library);
      const inventory = disk.walk(null, new AbortController().signal);
      const files = await entriesOf(inventory);
      await disk.close();
      const keys = new Set(written.map((one) => `photos/${one.normalize('NFC')}`));
      const model = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(files.map((file) => file.key)).toEqual(model);
      expect(files.flatMap((file) => [file.path, ...(file.twins ?? [])]).sort()).toEqual([...new Set(written)].sort());
      expect(inventory.problems()).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

/** False where a file stands in the way of a folder, or the other way round. */
function tryToWrite(absolute: string): boolean {
  try {
    mkdirSync(absolute.slice(0, absolute.lastIndexOf('/')), { recursive: true });
    writeFileSync(absolute, 'x');
    return true;
  } catch {
    return false;
  }
}
