import type { Terminal } from '../terminal.ts';

/** SGR parameters (ECMA-48) of the few colours that we use. */
const SGR = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

export type Colour = keyof typeof SGR;

/** Colours `text` where the terminal shows colours; the text itself must be printable already. */
export function paint(text: string, colour: Colour | undefined, terminal: Pick<Terminal, 'colour'>): string {
  return terminal.colour && colour !== undefined ? `\u001b[${SGR[colour]}m${text}\u001b[0m` : text;
}
