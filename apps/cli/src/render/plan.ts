import type { NextStep } from '@kube-rescue/diagnosis';
import { hasWork, listBlockers, type Plan, type PlanEntry } from '@kube-rescue/workflow';
import type { Terminal } from '../terminal.ts';
import { renderEnding } from './causes.ts';
import { renderBriefly } from './plan-brief.ts';
import { type DescribeChange, WORD_WIDTH, wordOf } from './plan-entry.ts';
import { paint } from './style.ts';
import { count, indentHint, indentText } from './text.ts';

/** A sweep through thousands of Secrets would hide everything else. */
export const MOST_SHOWN = 20;

/** How a plan is shown. */
export interface PlanView {
  /** Every step and change. Default: what fits on a screen. */
  readonly verbose?: boolean | undefined;
  /** The command line without the program that shows all of it. Default: none. */
  readonly details?: string | undefined;
  /** The command that carries the plan out, when it can be carried out. Default: none. */
  readonly next?: NextStep | undefined;
}

/** A plan as text: findings, changes, dependencies; at the end, whether it can be carried out, and the next command. */
export function renderPlan(plan: Plan, describe: DescribeChange, terminal: Terminal, view: PlanView = {}): string {
  const open = plan.entries.filter(({ finding, skipped }) => skipped || finding.status !== 'ok');
  const fine = plan.entries.length - open.length;
  const warnings = plan.entries.flatMap(({ finding, skipped }) => (skipped ? [] : (finding.warnings ?? [])));
  const notes = warnings.map((warning) => indentHint('warning  ', warning, terminal));
  const blocks =
    view.verbose === true
      ? [...open.map((entry) => renderEntry(entry, describe, terminal)), ...notes].flatMap((block) => [block, ''])
      : [...renderBriefly(open, describe, terminal), ...notes, ...(open.length + notes.length === 0 ? [] : [''])];
  const head = `plan for ${plan.host} (${plan.playbook})`;
  const ending = {
    next: nextOf(plan, view),
    details: view.verbose === true || open.length === 0 ? undefined : view.details,
  };
  return [head, '', ...blocks, ...renderEnding(stateOf(plan, fine), ending, terminal)].join('\n');
}

function nextOf(plan: Plan, { next }: PlanView): NextStep | null {
  const [blocker] = listBlockers(plan);
  if (blocker === undefined) return (hasWork(plan) && next) || null;
  const { hint, subject } = blocker.finding;
  return { command: null, text: hint ?? `fix ${subject ?? blocker.step}` };
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
  const [word, colour] = wordOf(entry);
  const label = word.padEnd(WORD_WIDTH);
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
  if (finding.hint !== undefined) lines.push(indentHint(`${indent}hint: `, finding.hint, terminal));
  return lines.join('\n');
}

function stateOf(plan: Plan, fine: number): string {
  const { needed, changes, waiting, blocked } = summarizePlan(plan);
  const rest = `${count(fine, 'step')} up to date`;
  if (!hasWork(plan)) return `nothing to do: ${rest}`;
  const parts = [`${count(changes, 'change')} in ${count(needed, 'step')}`];
  if (waiting > 0) parts.push(`${count(waiting, 'step')} to be planned later`);
  if (blocked > 0) parts.push(`${count(blocked, 'step')} blocked`);
  const refusal = blocked > 0 ? `REFUSED, nothing will be changed: ${reasonsOf(plan)}; ` : '';
  return `${refusal}${parts.join(', ')}; ${rest}`;
}

function reasonsOf(plan: Plan): string {
  const reasons = listBlockers(plan).map(({ finding: { about, summary } }) => about?.reason ?? summary);
  return [...new Set(reasons)].join('; ');
}
