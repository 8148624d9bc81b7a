import { lstatSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { birthOf, differenceFrom, factsOf } from '../../src/disk/facts.ts';
import type { FileFacts } from '../../src/sync/types.ts';

const file: FileFacts = { size: 3, mtimeNs: 5n, device: 1n, inode: 2n };

describe('the birth of a file', () => {
  test('is what the file system says it is', () => {
    expect(birthOf({ birthtimeNs: 1_700_000_000_000_000_000n }, true)).toBe(1_700_000_000_000_000_000n);
  });

  test('is not known where the file system keeps none', () => {
    expect(birthOf({ birthtimeNs: 0n }, true)).toBe(0n);
    expect(birthOf({ birthtimeNs: -1_000_000_000n }, true)).toBe(0n);
    const { birthNs } = factsOf({ ...lstatSync('.', { bigint: true }), birthtimeNs: 0n } as never);
    expect(birthNs).toBeUndefined();
  });

  test('is not known where the kernel cannot be asked, whatever Node puts there', () => {
    expect(birthOf({ birthtimeNs: 1_700_000_000_000_000_000n }, false)).toBe(0n);
  });

  test('outlives a rename and an edit, so that it can tell what a file was', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-facts-'));
    const facts = (name: string) => factsOf(lstatSync(join(folder, name), { bigint: true }));
    writeFileSync(join(folder, 'a.jpg'), 'before');
    const { birthNs, inode } = facts('a.jpg');
    renameSync(join(folder, 'a.jpg'), join(folder, 'b.jpg'));
    writeFileSync(join(folder, 'b.jpg'), 'edited', { flag: 'r+' });
    utimesSync(join(folder, 'b.jpg'), 2_000_000_000, 2_000_000_000);
    expect(facts('b.jpg')).toMatchObject({ inode, ...(birthNs !== undefined && { birthNs }) });
    rmSync(folder, { recursive: true });
  });
});

describe('another version of a file', () => {
  test.each([
    ['another inode', { inode: 3n }, 'another file has taken its name'],
    ['another device', { device: 3n }, 'another file has taken its name'],
    ['another size', { size: 4 }, 'its size went from 3 to 4 bytes'],
    ['another time', { mtimeNs: 6n }, 'it was modified'],
    ['another birth', { birthNs: 9n }, 'another file has taken its name'],
  ])('is told by %s', (_, change, difference) => {
    expect(differenceFrom({ ...file, birthNs: 8n }, { ...file, birthNs: 8n, ...change })).toBe(difference);
  });

  test('is not told by a birth that only one side knows', () => {
    expect(differenceFrom(file, { ...file, birthNs: 8n })).toBeNull();
    expect(differenceFrom({ ...file, birthNs: 8n }, file)).toBeNull();
    expect(differenceFrom({ ...file, birthNs: 8n }, { ...file, birthNs: 8n })).toBeNull();
  });
});
