import { redact } from '@kube-rescue/errors';
import { safeText } from './render/style.ts';
import { indentHint } from './render/text.ts';
import type { Terminal } from './terminal.ts';

/**
 * Writes progress, warnings and errors to the error output, under `--json` as well, where those of oclif are mute.
 */
export interface Reporter {
  readonly terminal: Terminal;
  /** Writes whole lines; clears the live lines, and their owner draws them again. */
  print(text: string): void;
  /** Shows lines that the next call replaces; only on a live terminal. None may be wider than the terminal. */
  live(text: string): void;
  /** Keeps a warning for the envelope, and prints it. */
  warn(text: string): void;
  readonly warnings: readonly string[];
}

const CLEAR_LINE = '\r\u001b[2K';
const CLEAR_LINE_ABOVE = '\u001b[1A\u001b[2K';

export function createReporter(stream: Pick<NodeJS.WritableStream, 'write'>, terminal: Terminal): Reporter {
  const warnings: string[] = [];
  let liveLines = 0;
  const clear = (): string => {
    const prefix = liveLines === 0 ? '' : CLEAR_LINE + CLEAR_LINE_ABOVE.repeat(liveLines - 1);
    liveLines = 0;
    return prefix;
  };
  const print = (text: string): void => {
    stream.write(`${clear()}${safeText(text, terminal)}\n`);
  };
  return {
    terminal,
    warnings,
    print,
    live: (text) => {
      if (!terminal.live) return;
      stream.write(`${clear()}${safeText(text, terminal)}`);
      liveLines = text === '' ? 0 : text.split('\n').length;
    },
    warn: (foreign) => {
      const text = redact(foreign);
      warnings.push(text);
      print(indentHint('warning: ', text, terminal));
    },
  };
}
