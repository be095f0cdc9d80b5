import { printable } from '@kube-rescue/errors';
import stringWidth from 'fast-string-width';
import { withCommandLines } from '../call.ts';
import type { Terminal } from '../terminal.ts';

const ASCII = /^[\u0020-\u007e]*$/;
const GRAPHEMES = new Intl.Segmenter();
/** A command in a hint: its words stay on one line, also where that is wider than the screen, so that they can be pasted. */
const QUOTED = /`[^`]+`/g;
/** Stands for a space that is no place to break a line. No text has it: `printable` shows control characters. */
const HARD_SPACE = '\u0000';

/** Columns of a terminal that the text takes. */
export function widthOf(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** Foreign text on one line: control characters made visible, line breaks and tabs become spaces. */
export function oneLine(text: string): string {
  return printable(text.replace(/[\t\r\n]+/g, ' '));
}

/** Cuts the middle out of text that is too wide, because both ends of a path matter. */
export function shorten(text: string, width: number, { ascii = false }: Pick<Terminal, 'ascii'> = {}): string {
  if (widthOf(text) <= width) return text;
  const mark = ascii ? '...' : '…';
  if (width <= mark.length) return mark.slice(0, Math.max(width, 0));
  const tail = Math.ceil((width - mark.length) * 0.6);
  return `${startOf(text, width - mark.length - tail)}${mark}${endOf(text, tail)}`;
}

/** The first graphemes of a text that fit. */
function startOf(text: string, width: number): string {
  if (ASCII.test(text)) return text.slice(0, width);
  return fitting(graphemesOf(text), width).join('');
}

function endOf(text: string, width: number): string {
  if (ASCII.test(text)) return text.slice(text.length - width);
  return fitting(graphemesOf(text).toReversed(), width).toReversed().join('');
}

function graphemesOf(text: string): readonly string[] {
  return [...GRAPHEMES.segment(text)].map(({ segment }) => segment);
}

function fitting(graphemes: readonly string[], width: number): readonly string[] {
  let used = 0;
  const end = graphemes.findIndex((each) => (used += widthOf(each)) > width);
  return end === -1 ? graphemes : graphemes.slice(0, end);
}

/** Breaks text at spaces; a word wider than a line is cut in pieces, a path behind one of its slashes. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => pieces(each, width))) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

/** Wraps `text` behind a label, its further lines indented below its first. */
export function indentText(label: string, text: string, columns: number): string {
  return indentLines(label, wrap(oneLine(text), roomBeside(label, columns)));
}

/**
 * Advice behind a label: its commands get the name and the flags of this call, and none is broken, so that it can be pasted.
 */
export function indentHint(label: string, hint: string, terminal: Pick<Terminal, 'columns' | 'call'>): string {
  const room = roomBeside(label, terminal.columns);
  const text = withCommandLines(oneLine(hint), terminal.call).replaceAll(QUOTED, (command) =>
    command.replaceAll(' ', HARD_SPACE),
  );
  return indentLines(
    label,
    wrap(text, room).map((line) => line.replaceAll(HARD_SPACE, ' ')),
  );
}

function roomBeside(label: string, columns: number): number {
  return Math.max(columns - widthOf(label), 20);
}

function indentLines(label: string, lines: readonly string[]): string {
  const indent = ' '.repeat(widthOf(label));
  return lines.map((line, index) => `${index === 0 ? label : indent}${line}`.trimEnd()).join('\n');
}

/** `1 step`, `2 steps`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Megabytes with one decimal, smaller sizes in bytes: `20.5 MB`. */
export function formatBytes(bytes: number): string {
  return bytes < 100_000 ? `${bytes} bytes` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Seconds with one decimal: `7.2 s`. */
export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}

function pieces(word: string, width: number): readonly string[] {
  if (widthOf(word) <= width || word.includes(HARD_SPACE)) return [word];
  const fits = startOf(word, width);
  const slash = fits.lastIndexOf('/');
  // One grapheme may be wider than the line.
  const cut = slash > 0 ? slash + 1 : Math.max(fits.length, graphemesOf(word)[0]?.length ?? 1);
  return [word.slice(0, cut), ...pieces(word.slice(cut), width)];
}
