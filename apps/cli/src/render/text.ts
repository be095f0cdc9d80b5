import { printable } from '@kube-rescue/errors';

/** Foreign text on one line: control characters made visible, line breaks and tabs become spaces. */
export function oneLine(text: string): string {
  return printable(text.replace(/[\t\r\n]+/g, ' '));
}

/** Cuts the middle out of text that is too wide, because both ends of a path matter. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width <= 1) return '…'.slice(0, width);
  const tail = Math.ceil((width - 1) * 0.6);
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`;
}

/** Breaks text at spaces; a word wider than a line is cut in pieces, a path behind one of its slashes. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => pieces(each, width))) {
    if (line !== '' && line.length + 1 + word.length > width) {
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
  const indent = ' '.repeat(label.length);
  const lines = wrap(oneLine(text), Math.max(columns - label.length, 20));
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
  if (word.length <= width) return [word];
  const slash = word.lastIndexOf('/', width - 1);
  const cut = slash > 0 ? slash + 1 : width;
  return [word.slice(0, cut), ...pieces(word.slice(cut), width)];
}
