import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { formatSeconds } from './text.ts';

/** One entry of a timeline. */
export interface TimelineEntry {
  readonly name: string;
  readonly seconds: number;
}

/** Draws the time of each entry as a bar. */
export function renderTimeline(entries: readonly TimelineEntry[], total: number, terminal: Terminal): string {
  const longest = Math.max(...entries.map(({ seconds }) => seconds), 0.001);
  const rows = entries.map(({ name, seconds }) => {
    return [
      formatSeconds(seconds).padStart(8),
      (terminal.ascii === true ? '#' : '█').repeat(Math.round((seconds / longest) * 20)),
      name,
    ];
  });
  return renderTable(
    {
      header: [' SECONDS', '', 'TIMELINE'],
      rows: [...rows, [formatSeconds(total).padStart(8), '', 'total']],
      flexible: 1,
    },
    terminal,
  );
}
