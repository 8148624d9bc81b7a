/** What is kept in a row of the damage that was found: pure. */
import type { ErrorCode } from '../errors.ts';
import type { DamagedSide } from './types.ts';

/** One thing that is wrong with a photo. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The file holds other bytes than were agreed on, or it cannot be said which side does. */
const ON_DISK: readonly string[] = ['DISK_DAMAGED', 'SIDES_DIFFER'] satisfies ErrorCode[];
const IN_BUCKET: readonly string[] = ['OBJECT_DAMAGED'] satisfies ErrorCode[];

/** All that is wrong with a photo as its row keeps it; null: nothing. */
export function damageText(faults: readonly Fault[]): string | null {
  return faults.length === 0 ? null : faults.map(({ code, message }) => `${code}: ${message}`).join('\n');
}

/** Which side a row's text says is damaged; null: neither is known to be. */
export function damagedSide(text: string | null): DamagedSide | null {
  if (text === null) return null;
  const codes = text.split('\n').map((line) => line.slice(0, Math.max(line.indexOf(':'), 0)));
  const [disk, object] = [ON_DISK, IN_BUCKET].map((known) => codes.some((code) => known.includes(code)));
  if (disk && object) return 'both';
  return disk ? 'disk' : object ? 'object' : null;
}
