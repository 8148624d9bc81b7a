/** rollcall: argv to command to exit code. */
import { runCli } from './cli/run.ts';

await runCli(process.argv.slice(2));
