/** The built program and its neighbours in a measurement, each a cold process. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/sync/types.ts';
import { builtCli } from '../../test/support/built.ts';
import { type Measured, measure } from './measured-process.ts';
import { reportOf } from './report-of-sync.ts';

export interface MeasuredSync extends Measured {
  readonly report: Report;
}

export interface ProgramPlace {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeOptions: readonly string[];
}

/** Builds the sources as they are, unless that was done before, and answers how to run what came out. */
export async function builtProgram() {
  const main = await builtCli();
  const dist = join(dirname(main), '../dist');
  return {
    /** `rollcall sync`, of every library that the catalog knows. */
    async sync(place: ProgramPlace, signal: AbortSignal): Promise<MeasuredSync> {
      const measured = await measure({ ...place, args: [main, 'sync', '--json'] }, signal);
      return { ...measured, report: reportOf(measured.stdout) };
    },
    /** `rollcall --version`: what starting costs. */
    version: (place: ProgramPlace, signal: AbortSignal) => measure({ ...place, args: [main, '--version'] }, signal),
    /** Lists a prefix through the AWS SDK and does nothing else. Throws when it does not see as many keys. */
    async listing(place: ProgramPlace, prefix: string, keys: number, signal: AbortSignal): Promise<Measured> {
      const script = fileURLToPath(new URL('./sdk-listing.mjs', import.meta.url));
      const measured = await measure({ ...place, args: [script, dist, prefix] }, signal);
      if (Number(measured.stdout) !== keys)
        throw new Error(`the listing has ${measured.stdout.trim()} keys, not ${keys}`);
      return measured;
    },
  };
}

export type Program = Awaited<ReturnType<typeof builtProgram>>;
