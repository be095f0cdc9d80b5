import { printable } from '@kube-rescue/errors';
import type { Terminal } from '../terminal.ts';

/** SGR parameters (ECMA-48) of the few colours that we use. */
const SGR = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

export type Colour = keyof typeof SGR;

/** Colours `text` where the terminal shows colours; the text itself must be printable already. */
export function paint(text: string, colour: Colour | undefined, terminal: Pick<Terminal, 'colour'>): string {
  return terminal.colour && colour !== undefined ? `\u001b[${SGR[colour]}m${text}\u001b[0m` : text;
}

// oxlint-disable-next-line no-control-regex -- the sequences that paint makes
const PAINTED = /(\u001b\[(?:0|1|2|31|32|33)m)/;

/**
 * The last gate before a terminal: makes foreign control characters visible. Names of objects, certificates and files are
 * untrusted.
 */
export function safeText(text: string, { colour }: Pick<Terminal, 'colour'>): string {
  if (!colour) return printable(text);
  return text
    .split(PAINTED)
    .map((piece, index) => (index % 2 === 1 ? piece : printable(piece)))
    .join('');
}

/** JSON for a standard output that may be a terminal: escapes control characters that JSON allows. */
export function safeJson(value: object): string {
  return JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => {
      return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
    },
  );
}
