/** rollcall: argv to command to exit code. */
import { runCli } from './cli/run.ts';
import { boundYoungSpace } from './young-space.ts';

boundYoungSpace();
await runCli(process.argv.slice(2));
