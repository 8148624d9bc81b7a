import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { holesIn, lockFaults } from '../../scripts/audit.ts';

const ROOT = join(import.meta.dirname, '../..');
const PINNED = { integrity: 'sha512-AAAA' };

test('of this project every package is pinned, and of each it is said whether it may run something at its installation', () => {
  const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
  expect(lockFaults(read('package-lock.json'), read('package.json').allowScripts)).toEqual([]);
  const script = { 'node_modules/a/node_modules/@b/c': { ...PINNED, hasInstallScript: true } };
  expect(lockFaults({ packages: script }, {})).toEqual([expect.stringMatching(/^@b\/c wants to run something/)]);
  expect(lockFaults({ packages: script }, { '@b/c': false })).toEqual([]);
});

test('what npm says of holes is told by how bad they are; what is no answer is none', () => {
  const hole = (name: string, severity: string) => ({ name, severity, range: '*', via: ['another'] });
  const vulnerabilities = { a: hole('a', 'high'), b: hole('b', 'low') };
  expect(holesIn(JSON.stringify({ vulnerabilities }))).toEqual({
    failing: ['high: a *: another'],
    others: ['low: b *: another'],
  });
  for (const text of ['', '{', '{}', '{"message":"405","error":{}}']) expect(holesIn(text)).toBeNull();
});
