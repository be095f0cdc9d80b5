import type { Clock } from '@kube-rescue/host';
import type { Reporter } from '../reporter.ts';
import { paint } from './style.ts';
import { formatSeconds, oneLine, shorten, widthOf, wrap } from './text.ts';

/**
 * Progress display: finished work stays as lines, each piece of current work is a live line with its time. Work that runs beside
 * other work has a key of its own.
 */
export interface Progress {
  /** One line that stays, with the time since the start. */
  note(text: string): void;
  /** Starts a piece of work; ends one with the same key. */
  begin(title: string, key?: string): void;
  /** Reason for waiting; printed once per reason without a live line. */
  waitFor(reason: string, key?: string): void;
  /** Ends a piece of work. */
  end(verdict: 'done' | 'failed', text: string, key?: string): void;
  /** Clears the live lines. */
  stop(): void;
}

const REFRESH_MS = 200;
const STAMP_WIDTH = 8;
/** `done    `, `ok      `, or nothing. */
const MARK_WIDTH = 8;

interface Work {
  readonly title: string;
  readonly at: number;
  reason: string | undefined;
  /** When it began to wait for the reason. */
  waitsSince: number;
}

/** A serial console. */
const DEFAULT_ROWS = 24;
/** The line above the live lines, and the one of the prompt. */
const KEPT_ROWS = 2;

export function createProgress(reporter: Reporter, clock: Pick<Clock, 'now'>): Progress {
  const { terminal } = reporter;
  const started = clock.now().getTime();
  const since = (ms: number): number => (clock.now().getTime() - ms) / 1000;
  const ellipsis = terminal.ascii === true ? '...' : '…';
  const running = new Map<string, Work>();
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
  const lineOf = ({ title, at, reason, waitsSince }: Work): string => {
    const stamp = `${formatSeconds(since(at)).padStart(STAMP_WIDTH)}  `;
    const columns = terminal.columns - 1 - stamp.length;
    const what = `${oneLine(title)} ${ellipsis}`;
    if (reason === undefined) return stamp + shorten(what, columns, terminal);
    // The times stay: each part loses its own middle.
    const waiting = `; waiting ${formatSeconds(since(waitsSince))}: `;
    const left = columns - waiting.length;
    const shown = shorten(what, Math.max(left - widthOf(oneLine(reason)), Math.floor(left / 2)), terminal);
    return `${stamp}${shown}${waiting}${shorten(oneLine(reason), left - widthOf(shown), terminal)}`;
  };
  const draw = (): void => {
    if (running.size === 0 || !terminal.live) return;
    const lines = [...running.values()].map(lineOf);
    // What has left the screen cannot be cleared.
    const most = Math.max((terminal.rows ?? DEFAULT_ROWS) - KEPT_ROWS, 2);
    const more = `${' '.repeat(STAMP_WIDTH + 2)}and ${lines.length - most + 1} more`;
    reporter.live((lines.length <= most ? lines : [...lines.slice(0, most - 1), more]).join('\n'));
  };
  const forget = (key: string): void => {
    running.delete(key);
    if (running.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    reporter.live('');
  };
  return {
    note: (text) => note(oneLine(text)),
    begin: (title, key = '') => {
      forget(key);
      const at = clock.now().getTime();
      running.set(key, { title, at, reason: undefined, waitsSince: at });
      if (!terminal.live) return note(`${ellipsis.padEnd(MARK_WIDTH)}${oneLine(title)}`);
      timer ??= setInterval(draw, REFRESH_MS).unref();
      draw();
    },
    waitFor: (reason, key = '') => {
      const work = running.get(key);
      if (work === undefined || work.reason === reason) return;
      work.reason = reason;
      work.waitsSince = clock.now().getTime();
      if (terminal.live) draw();
      else if (running.size === 1) note(`        waiting: ${oneLine(reason)}`);
      else note(`        ${oneLine(work.title)}: waiting: ${oneLine(reason)}`);
    },
    end: (verdict, text, key = '') => {
      const work = running.get(key);
      const took = work === undefined ? '' : ` (${formatSeconds(since(work.at))})`;
      forget(key);
      const mark = verdict === 'done' ? paint('done', 'green', terminal) : paint('FAILED', 'red', terminal);
      write(`${mark}${verdict === 'done' ? '    ' : '  '}`, `${oneLine(text)}${took}`);
    },
    stop: () => {
      for (const key of running.keys()) forget(key);
    },
  };
}
