import { formatTime, toRfc3339 } from '@kube-rescue/errors';
import type { DamagedRun, RunEntry, RunState } from '@kube-rescue/workflow';
import { reportError } from '../envelope.ts';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { formatSeconds, indentHint, indentText, oneLine } from './text.ts';

/** Why a journal cannot be read. */
interface RunProblem {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly subject: string | null;
  /** No run may begin before it is settled. */
  readonly blocksRuns: boolean;
}

/** One run of this host, as `runs` shows it. */
export interface RunRow {
  readonly id: string;
  /** Position in the order of runs; `null` for a run of version 1, and for one that cannot be read. */
  readonly number: number | null;
  /** `null` for a run that cannot be read, as are the times and the number of active changes. */
  readonly playbook: string | null;
  /** The words of its command; `null` for one of version 1, and for one that cannot be read. */
  readonly command: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly outcome: string;
  readonly changes: number | null;
  /** From its start to its end; `null` without an end. */
  readonly seconds: number | null;
  /** Why the journal cannot be read. */
  readonly problem: RunProblem | null;
}

export function toRunRow({ state, damage }: RunEntry): RunRow {
  return state === undefined ? toDamagedRow(damage) : toReadableRow(state);
}

function toReadableRow({ id, header, playbook, startedAt, endedAt, outcome, activeChanges }: RunState): RunRow {
  return {
    id,
    number: header?.number ?? null,
    playbook,
    command: header?.command?.join(' ') ?? null,
    startedAt: toRfc3339(new Date(startedAt)),
    endedAt: endedAt === undefined ? null : toRfc3339(new Date(endedAt)),
    outcome: outcome ?? 'interrupted',
    changes: activeChanges.length,
    seconds: endedAt === undefined ? null : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000,
    problem: null,
  };
}

function toDamagedRow(damage: DamagedRun): RunRow {
  const none = {
    number: null,
    playbook: null,
    command: null,
    startedAt: null,
    endedAt: null,
    changes: null,
    seconds: null,
  };
  return { id: damage.id, ...none, outcome: 'unreadable', problem: problemOf(damage) };
}

function problemOf({ error, mayBeIncomplete }: DamagedRun): RunProblem {
  const { code, message, hint, subject } = reportError(error);
  // Only such a run blocks new ones.
  return { code, message, hint: hint ?? null, subject: subject ?? null, blocksRuns: mayBeIncomplete };
}

/** Of a time: `2026-11-30 01:23`, and with seconds. */
const MINUTES = 16;
const SECONDS = 19;

function timeOf(time: string | null, { wide }: Terminal): string {
  return time === null ? '-' : formatTime(new Date(time)).slice(0, wide ? SECONDS : MINUTES);
}

/** The runs of a host, oldest first, with their active changes. */
export function renderRuns(rows: readonly RunRow[], terminal: Terminal): string {
  if (rows.length === 0) return 'no runs on this host';
  const table = renderTable(
    {
      header: [
        ...['RUN', 'STARTED (UTC)', ...(terminal.wide ? ['ENDED (UTC)'] : []), 'TOOK', 'ACTIVE', 'OUTCOME'],
        ...[...(terminal.wide ? ['PLAYBOOK'] : []), 'COMMAND'],
      ],
      rows: rows.map(({ id, startedAt, endedAt, seconds, outcome, changes, playbook, command }) => [
        id,
        timeOf(startedAt, terminal),
        ...(terminal.wide ? [timeOf(endedAt, terminal)] : []),
        (seconds === null ? '-' : formatSeconds(seconds)).padStart(7),
        String(changes ?? '-').padStart(6),
        outcome,
        ...(terminal.wide ? [playbook ?? '-'] : []),
        command ?? playbook ?? '-',
      ]),
      flexible: 4,
    },
    terminal,
  );
  const problems = rows.flatMap(({ id, problem }) => {
    if (problem === null) return [];
    const { code, message, hint, blocksRuns } = problem;
    const effect = blocksRuns ? '; no run can begin until this is solved' : '';
    return [
      indentText(`${id}: `, oneLine(`${message} (${code})${effect}`), terminal.columns),
      ...(hint === null ? [] : [indentHint('hint: ', hint, terminal)]),
    ];
  });
  return [table, ...problems].join('\n');
}
