import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf, expiryOf, newToken, parseTokenLines, tokenLine } from '../../src/http/token-lines.ts';
import { hostileText } from '../support/hostile.ts';

const HASH = createHash('sha256').update('secret').digest('hex');

describe('the lines of a token file', () => {
  test('are scope, name, digest and perhaps an end; comments and empty lines are none', () => {
    const text = `\uFEFF# tokens\r\n\r\nread | gallery | ${HASH}\r\n  admin|me|${HASH.replace(/^./, 'F')} | 2030-01-31  `;
    const { entries, faults } = parseTokenLines(text);
    expect(faults).toEqual([]);
    expect(entries).toMatchObject([
      { scope: 'read', name: 'gallery', digest: digestOf('secret'), expiresMs: null },
      { scope: 'admin', name: 'me', expiresMs: Date.UTC(2030, 0, 31) },
    ]);
  });

  test.each([
    [`write | x | ${HASH}`, 'must begin with a scope: read, sync, admin'],
    [`READ | x | ${HASH}`, 'must begin with a scope'],
    [`toString | x | ${HASH}`, 'must begin with a scope'],
    [`read | two words | ${HASH}`, 'must have a name'],
    [`read |  | ${HASH}`, 'must have a name'],
    ['read | x | my-secret-token', 'never the token itself'],
    [`read | x | ${HASH}0`, 'must have the SHA-256'],
    ['read | x', 'must have three or four fields'],
    [`read | x | ${HASH} | 2030-01-01 | y`, 'must have three or four fields'],
    [`read | x | ${HASH} | soon`, 'must end on a day'],
    [`read | x | ${HASH} | 2030-02-30`, 'must end on a day'],
    [`read | x | ${HASH} | 2030-01-01T25:00:00Z`, 'must end on a day'],
  ])('%j is a fault that is told without repeating it, and opens nothing', (line, message) => {
    const other = `sync | other | ${HASH.replace(/^./, '0')}`;
    const { entries, faults } = parseTokenLines(`# first\n${line}\n${other}`);
    expect(faults).toEqual([{ line: 2, message: expect.stringContaining(message) }]);
    expect(faults[0]?.message).not.toContain('my-secret-token');
    expect(entries.map(({ name }) => name)).toEqual(['other']);
  });

  test('a token that stands there twice is good as its first line says', () => {
    const { entries, faults } = parseTokenLines(`read | a | ${HASH}\nadmin | b | ${HASH.toUpperCase()}`);
    expect(entries).toMatchObject([{ scope: 'read', name: 'a' }]);
    expect(faults).toMatchObject([{ line: 2 }]);
  });

  test('whatever they are, they are lines or faults', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { maxLength: 6 }), (fields) => {
        const { entries, faults } = parseTokenLines(fields.join(' | '));
        expect(entries).toEqual([]);
        expect(faults.length).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });

  test('a new token is long, another each time, and let in by its line', () => {
    const [one, two] = [newToken(), newToken()];
    expect(one).toMatch(/^rollcall_[\w-]{43}$/);
    expect(one).not.toBe(two);
    const line = tokenLine(one, { scope: 'sync', name: 'laptop' }, '2030-01-31');
    expect(line).not.toContain(one);
    expect(parseTokenLines(line)).toMatchObject({
      entries: [{ scope: 'sync', name: 'laptop', digest: digestOf(one), expiresMs: Date.UTC(2030, 0, 31) }],
      faults: [],
    });
  });

  test.each([
    ['2030-01-31', Date.UTC(2030, 0, 31)],
    ['2030-01-31T12:30Z', Date.UTC(2030, 0, 31, 12, 30)],
    ['2030-01-31T12:30:15Z', Date.UTC(2030, 0, 31, 12, 30, 15)],
    ['2030-01-31T12:30:15', Number.NaN],
    ['31.01.2030', Number.NaN],
    ['', Number.NaN],
    ['2030', Number.NaN],
  ])('%j is %d', (text, ms) => {
    expect(expiryOf(text)).toBe(ms);
  });
});
