/** Runs one command line. Each command's code is loaded only when it is asked for: `--help` costs nothing. */
import { readFileSync } from 'node:fs';
import { RollcallError } from '../errors.ts';
import type { Answer, Invocation } from './invocation.ts';
import { parseCommandLine, usageAnswer } from './program.ts';
import { createScreen } from './screen.ts';

/** Longer than any part needs to close; what still holds the process then is a leak that nobody should wait for. */
const LINGER_MS = 2_000;

/** Runs the command line (without node and script) and sets the process's exit code. */
export async function runCli(argv: readonly string[]): Promise<void> {
  const asked = parseCommandLine(argv, packageVersion(), Math.min(process.stdout.columns || 100, 120));
  process.exitCode = asked.command === null ? tell(asked) : await carryOut(asked);
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

function tell(answer: Answer): number {
  process.stdout.write(answer.stdout);
  process.stderr.write(answer.stderr);
  return answer.exitCode;
}

async function carryOut(asked: Invocation): Promise<number> {
  const screen = createScreen(process.stdout, process.stderr);
  try {
    switch (asked.command) {
      case 'serve': {
        const { serve } = await import('./serve.ts');
        return await serve(asked.options, screen, packageVersion());
      }
      case 'worker': {
        const { worker } = await import('./worker.ts');
        return await worker(asked.concurrency, asked.options, screen, packageVersion());
      }
      case 'sync':
      case 'moves':
      case 'status': {
        const { sync } = await import('./sync.ts');
        return await sync(asked.command, asked.arguments, asked.options, screen);
      }
      case 'apply': {
        const { apply } = await import('./apply.ts');
        return await apply(asked.planFile, asked.options, screen);
      }
      case 'batch': {
        const { batch } = await import('./batch.ts');
        return await batch(asked.arguments, asked.options, screen);
      }
      case 'init': {
        const { init } = await import('./init.ts');
        return await init(asked.file, asked.options, screen);
      }
      case 'token': {
        const { token } = await import('./token.ts');
        return token(asked.arguments, asked.options, screen);
      }
      case 'verify': {
        const { verify } = await import('./verify.ts');
        return await verify(asked.arguments, asked.options, screen);
      }
      case 'media': {
        const { media } = await import('./media.ts');
        return await media(asked.arguments, asked.options, screen);
      }
      case 'restore':
      case 'restore-status': {
        const { restore } = await import('./restore.ts');
        return await restore(asked, screen);
      }
    }
  } catch (thrown) {
    // Only arguments that were read and found wrong come this far; all else is told by the session.
    if (!(thrown instanceof RollcallError)) throw thrown;
    return tell(usageAnswer(thrown, asked.command, asked.options.json));
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
