/** The command line's grammar: argv to an invocation, or to the text that answers it. No I/O. */
import { type Command, CommanderError } from 'commander';
import { ExitCode, RollcallError } from '../errors.ts';
import { rollcallProgram } from './commands.ts';
import type { Answer, Invocation } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import { oneLine } from './text.ts';

/** Reads a command line (without node and script). `columns` is the width that help texts are wrapped to. */
export function parseCommandLine(argv: readonly string[], version: string, columns = 100): Invocation | Answer {
  const said = { stdout: '', stderr: '' };
  let invocation: Invocation | null = null;
  const program = rollcallProgram(version, (asked) => {
    invocation = asked;
  });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => {
        said.stdout += text;
      },
      writeErr: (text) => {
        said.stderr += text;
      },
      // The one clear line is made below, from the error itself.
      outputError: () => {},
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
    });
  }
  try {
    program.parse(argv, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return answerTo(thrown, said, argv, program);
  }
  return invocation ?? { command: null, ...said, exitCode: ExitCode.usage };
}

function answerTo(
  error: CommanderError,
  said: { readonly stdout: string; readonly stderr: string },
  argv: readonly string[],
  program: Command,
): Answer {
  if (error.exitCode === 0) return { command: null, ...said, exitCode: ExitCode.ok };
  if (error.code === 'commander.help') return { command: null, ...said, exitCode: ExitCode.usage };
  const command = program.commands.find((one) => argv.includes(one.name()));
  const wrong = new RollcallError('BAD_INPUT', error.message.replace(/^error: /, ''));
  return usageAnswer(wrong, command?.name(), argv.includes('--json'));
}

/** How a usage error reads: one clear line, and where to find help; to a program, a line of JSON too. */
export function usageAnswer({ code, message }: RollcallError, command: string | undefined, json: boolean): Answer {
  const line = oneLine(message);
  const stdout = json ? `${jsonLine({ type: 'error', code, message: line })}\n` : '';
  const stderr = `rollcall: ${line}\nTry: rollcall ${command === undefined ? '' : `${command} `}--help\n`;
  return { command: null, stdout, stderr, exitCode: ExitCode.usage };
}
