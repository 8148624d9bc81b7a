/** What this process holds open. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs';

/** Files and folders below this one that are open; none where the system does not show them. */
export function openBelow(folder: string): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  const targets = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(folder));
}
