import { type Change, hasWork, listBlockers, type Plan, type PlanEntry } from '@kube-rescue/workflow';
import type { Terminal } from '../terminal.ts';
import { paint } from './style.ts';
import { count, indentText } from './text.ts';

/** A sweep through thousands of Secrets would hide everything else. */
export const MOST_SHOWN = 20;

/** Describes one change on one line, without key material. */
export type DescribeChange = (change: Change) => string;

/** A plan as text: findings, changes, dependencies, and blockers for the operator. */
export function renderPlan(plan: Plan, describe: DescribeChange, terminal: Terminal): string {
  const open = plan.entries.filter(({ finding, skipped }) => skipped || finding.status !== 'ok');
  const fine = plan.entries.length - open.length;
  const warnings = plan.entries.flatMap(({ finding, skipped }) => (skipped ? [] : (finding.warnings ?? [])));
  const blocks = [
    ...open.map((entry) => renderEntry(entry, describe, terminal)),
    ...warnings.map((warning) => indentText('warning  ', warning, terminal.columns)),
  ];
  const head = `plan for ${plan.host} (${plan.playbook})`;
  return [head, '', ...blocks.flatMap((block) => [block, '']), summarize(plan, fine, terminal.columns)].join('\n');
}

/** Counts of a plan: steps needed, waiting and blocked, and known changes. */
export interface PlanSummary {
  readonly needed: number;
  readonly changes: number;
  readonly waiting: number;
  readonly blocked: number;
}

export function summarizePlan(plan: Plan): PlanSummary {
  const blockers = listBlockers(plan);
  const waiting = plan.entries.filter((entry) => isStuck(entry) && !blockers.includes(entry));
  const needed = plan.entries.filter(({ finding, skipped }) => finding.status === 'needed' && !skipped);
  const changes = plan.entries.reduce((sum, entry) => sum + entry.changes.length, 0);
  return { needed: needed.length, changes, waiting: waiting.length, blocked: blockers.length };
}

function isStuck({ finding, skipped }: PlanEntry): boolean {
  return !skipped && (finding.status === 'blocked' || finding.status === 'unknown');
}

function renderEntry(entry: PlanEntry, describe: DescribeChange, terminal: Terminal): string {
  const { step, finding, changes, skipped } = entry;
  const { columns } = terminal;
  const waitsFor = finding.waitsFor ?? [];
  const [word, colour] = skipped
    ? (['skipped', 'dim'] as const)
    : finding.status === 'needed'
      ? (['needed', 'yellow'] as const)
      : waitsFor.length > 0
        ? (['waits', 'dim'] as const)
        : (['BLOCKED', 'red'] as const);
  const label = word.padEnd(9);
  const lines = [
    indentText(label, `${step}: ${finding.summary}`, columns).replace(word, paint(word, colour, terminal)),
  ];
  if (skipped) return lines.join('\n');
  const indent = ' '.repeat(label.length);
  for (const change of changes.slice(0, MOST_SHOWN)) lines.push(indentText(`${indent}- `, describe(change), columns));
  const more = changes.length - MOST_SHOWN;
  if (more > 0) lines.push(indentText(`${indent}- `, `and ${more} more of these; --json lists them all`, columns));
  if (waitsFor.length > 0) lines.push(indentText(`${indent}waits for `, waitsFor.join(', '), columns));
  if (finding.subject !== undefined) lines.push(indentText(`${indent}subject: `, finding.subject, columns));
  if (finding.hint !== undefined) lines.push(indentText(`${indent}hint: `, finding.hint, columns));
  return lines.join('\n');
}

function summarize(plan: Plan, fine: number, columns: number): string {
  const { needed, changes, waiting, blocked } = summarizePlan(plan);
  const parts = [`${count(changes, 'change')} in ${count(needed, 'step')}`];
  if (waiting > 0) parts.push(`${count(waiting, 'step')} to be planned later`);
  if (blocked > 0) parts.push(`${count(blocked, 'step')} blocked`);
  const rest = `${count(fine, 'step')} up to date`;
  return indentText('', hasWork(plan) ? `${parts.join(', ')}; ${rest}` : `nothing to do: ${rest}`, columns);
}
