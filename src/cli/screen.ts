/** The two standard streams as a command uses them: lines, and one live line that never mixes with them. */
import { styleText } from 'node:util';
import { cutEnd } from './text.ts';

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';
/** Adds colour where the stream shows it; elsewhere the text itself. */
export type Paint = (style: Style, text: string) => string;

/** For text that no terminal shows. */
export const plain: Paint = (_style, text) => text;

export interface Screen {
  /** A line of standard output: what the command answers. */
  print(line: string): void;
  /** A line of standard error: what a person should know meanwhile. */
  say(line: string): void;
  /** Replaces the live line on standard error; null takes it away. Without a terminal nothing happens. */
  live(line: string | null): void;
  /** Columns for the live line; null: standard error is not a terminal. */
  liveColumns(): number | null;
  /** For `print` and for `say`. */
  readonly paint: { readonly out: Paint; readonly err: Paint };
  /** Is standard output a terminal? */
  readonly interactive: boolean;
}

type Stream = NodeJS.WriteStream;

/** A screen on these streams. A reader that went away (`| head`) is no reason to stop a sync half-way. */
export function createScreen(stdout: Stream, stderr: Stream): Screen {
  let liveLine: string | null = null;
  stdout.on('error', () => {});
  stderr.on('error', () => {});

  const erased = () => (liveLine === null ? '' : '\r\u001B[2K');
  const write = (stream: Stream, line: string) => {
    if (liveLine !== null) stderr.write(erased());
    stream.write(`${line}\n`);
    if (liveLine !== null) stderr.write(liveLine);
  };
  return {
    print: (line) => write(stdout, line),
    say: (line) => write(stderr, line),
    live(line) {
      if (!stderr.isTTY) return;
      // The last column stays free: a terminal that wraps there could not be redrawn.
      const next = line === null ? null : cutEnd(line, (stderr.columns || 80) - 1);
      stderr.write(erased() + (next ?? ''));
      liveLine = next;
    },
    liveColumns: () => (stderr.isTTY ? (stderr.columns || 80) - 1 : null),
    paint: {
      out: (style, text) => styleText(style, text, { stream: stdout }),
      err: (style, text) => styleText(style, text, { stream: stderr }),
    },
    interactive: stdout.isTTY === true,
  };
}
