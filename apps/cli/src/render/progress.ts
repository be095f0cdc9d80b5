import type { Clock } from '@kube-rescue/host';
import type { Reporter } from '../reporter.ts';
import { paint } from './style.ts';
import { formatSeconds, oneLine, shorten, wrap } from './text.ts';

/** Progress display: finished work stays as lines, current work is a live line with its time. */
export interface Progress {
  /** One line that stays, with the time since the start. */
  note(text: string): void;
  /** Starts a piece of work. */
  begin(title: string): void;
  /** Reason for waiting; printed once per reason without a live line. */
  waitFor(reason: string): void;
  /** Ends the current piece of work. */
  end(verdict: 'done' | 'failed', text: string): void;
  /** Clears the live line. */
  stop(): void;
}

const REFRESH_MS = 200;
const STAMP_WIDTH = 8;
/** `done    `, `ok      `, or nothing. */
const MARK_WIDTH = 8;

export function createProgress(reporter: Reporter, clock: Pick<Clock, 'now'>): Progress {
  const { terminal } = reporter;
  const started = clock.now().getTime();
  const since = (ms: number): number => (clock.now().getTime() - ms) / 1000;
  let current: { readonly title: string; readonly at: number; reason: string | undefined } | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** One line, or on a terminal as many as it takes, the further ones below its text. */
  const write = (mark: string, text: string): void => {
    const stamp = paint(formatSeconds(since(started)).padStart(STAMP_WIDTH), 'dim', terminal);
    const indent = ' '.repeat(STAMP_WIDTH + 2 + MARK_WIDTH);
    const lines = terminal.live ? wrap(text, Math.max(terminal.columns - indent.length, 20)) : [text];
    reporter.print(`${stamp}  ${mark}${lines.join(`\n${indent}`)}`);
    draw();
  };
  const note = (text: string): void => {
    const mark = text.slice(0, MARK_WIDTH);
    if (/^\S* +$/.test(mark) && mark.length === MARK_WIDTH) write(mark, text.slice(MARK_WIDTH));
    else write('', text);
  };
  const draw = (): void => {
    if (current === undefined || !terminal.live) return;
    const waiting = current.reason === undefined ? '' : `; waiting: ${current.reason}`;
    const line = `${formatSeconds(since(current.at)).padStart(8)}  ${oneLine(current.title)} …${oneLine(waiting)}`;
    reporter.live(shorten(line, terminal.columns - 1));
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    current = undefined;
    reporter.live('');
  };
  return {
    note: (text) => note(oneLine(text)),
    begin: (title) => {
      stop();
      current = { title, at: clock.now().getTime(), reason: undefined };
      if (!terminal.live) return note(`…       ${oneLine(title)}`);
      timer = setInterval(draw, REFRESH_MS);
      timer.unref();
      draw();
    },
    waitFor: (reason) => {
      if (current === undefined || current.reason === reason) return;
      current.reason = reason;
      if (terminal.live) draw();
      else note(`        waiting: ${oneLine(reason)}`);
    },
    end: (verdict, text) => {
      const took = current === undefined ? '' : ` (${formatSeconds(since(current.at))})`;
      stop();
      const mark = verdict === 'done' ? paint('done', 'green', terminal) : paint('FAILED', 'red', terminal);
      write(`${mark}${verdict === 'done' ? '    ' : '  '}`, `${oneLine(text)}${took}`);
    },
    stop,
  };
}
