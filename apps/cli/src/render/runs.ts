import { toRfc3339 } from '@kube-rescue/errors';
import type { RunState } from '@kube-rescue/workflow';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';

/** One run of this host, as `runs` shows it. */
export interface RunRow {
  readonly id: string;
  readonly playbook: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly outcome: string;
  /** Number of active changes. */
  readonly changes: number;
}

export function toRunRow(state: RunState): RunRow {
  const { id, playbook, startedAt, endedAt, outcome, activeChanges } = state;
  return {
    id,
    playbook,
    startedAt: toRfc3339(new Date(startedAt)),
    endedAt: endedAt === undefined ? null : toRfc3339(new Date(endedAt)),
    outcome: outcome ?? 'interrupted',
    changes: activeChanges.length,
  };
}

/** The runs of a host, oldest first. */
export function renderRuns(rows: readonly RunRow[], terminal: Terminal): string {
  if (rows.length === 0) return 'no runs on this host';
  return renderTable(
    {
      header: ['RUN', 'OUTCOME', 'CHANGES', 'PLAYBOOK'],
      rows: rows.map(({ id, outcome, changes, playbook }) => [id, outcome, String(changes).padStart(7), playbook]),
      flexible: 1,
    },
    terminal,
  );
}
