import type { Terminal } from '../terminal.ts';
import { type Colour, paint } from './style.ts';
import { oneLine, shorten, widthOf, wrap } from './text.ts';

/** A cell: its text, or the text with a colour. */
type Cell = string | { readonly text: string; readonly colour: Colour | undefined };

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /**
   * Index of the column whose cells lose their middle when narrowing the last column is not enough. When it is the
   * last column itself, it is not wrapped.
   */
  readonly flexible?: number;
}

type Row = readonly { readonly text: string; readonly colour: Colour | undefined }[];

const GAP = '  ';
const LEAST_WIDTH = 12;

/**
 * Lays out a table no wider than the terminal: the flexible column is shortened in the middle, the last one is wrapped. Where no
 * terminal reads it, every row is one line with all its text.
 * Foreign text cannot break out of its cell.
 */
export function renderTable({ header, rows, flexible }: Table, terminal: Terminal): string {
  const cells = rows.map((row) => row.map(toCell));
  const all = [header.map((text) => ({ text, colour: 'bold' as const })), ...cells];
  const natural = header.map((_, column) => Math.max(...all.map((row) => widthOf(row[column]?.text ?? ''))));
  const widths = terminal.unbounded === true ? natural : fitWidths(natural, flexible, terminal.columns);
  const isWrapped = flexible !== header.length - 1;
  return all.map((row) => renderRow(isWrapped ? row : shortenLast(row, widths, terminal), widths, terminal)).join('\n');
}

function toCell(cell: Cell): { readonly text: string; readonly colour: Colour | undefined } {
  return typeof cell === 'string' ? { text: oneLine(cell), colour: undefined } : { ...cell, text: oneLine(cell.text) };
}

function fitWidths(natural: readonly number[], flexible: number | undefined, columns: number): readonly number[] {
  const available = columns - GAP.length * (natural.length - 1);
  const excess = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width, 0) - available;
  const narrow = (widths: readonly number[], column: number | undefined, least: number): readonly number[] =>
    widths.map((width, index) =>
      index === column ? Math.max(Math.min(width, least), width - Math.max(excess(widths), 0)) : width,
    );
  const last = natural.length - 1;
  // First the last column down to a readable width, then the flexible one, then the last again, as far as needed.
  return narrow(narrow(narrow(natural, last, 24), flexible, LEAST_WIDTH), last, LEAST_WIDTH);
}

function shortenLast(row: Row, widths: readonly number[], terminal: Terminal): Row {
  const last = widths.length - 1;
  return row.map((cell, column) =>
    column === last ? { ...cell, text: shorten(cell.text, widths[column] ?? 0, terminal) } : cell,
  );
}

function renderRow(row: Row, widths: readonly number[], terminal: Terminal): string {
  const last = widths.length - 1;
  const wrapped = wrap(row[last]?.text ?? '', widths[last] ?? LEAST_WIDTH);
  return wrapped
    .map((tail, line) => {
      const columns = row.map(({ text, colour }, column) => {
        const width = widths[column] ?? 0;
        const shown = column === last ? tail : line === 0 ? shorten(text, width, terminal) : '';
        return paint(shown, colour, terminal) + ' '.repeat(column === last ? 0 : width - widthOf(shown));
      });
      return columns.join(GAP).trimEnd();
    })
    .join('\n');
}
