import type { Plan } from '@kube-rescue/workflow';
import type { Answer } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import type { PlanSummary } from '../render/plan.ts';
import { renderBriefly } from '../render/plan-brief.ts';
import type { DescribeChange } from '../render/plan-entry.ts';
import { renderTable } from '../render/table.ts';
import { indentHint, indentText } from '../render/text.ts';
import { renderEnding } from '../render/causes.ts';
import type { Terminal } from '../terminal.ts';
import type { Session } from '../wiring.ts';
import type { NodeWork } from './nodes-run.ts';

/** What would be done on one of several nodes. */
export interface NodePlan extends PlanSummary {
  readonly name: string;
  readonly address: string;
  /** The version of its API server; `null`: its manifest names none. */
  readonly kubernetes: string | null;
  /** Its clock minus that of this machine. */
  readonly clockOffsetSeconds: number;
  /** Its member leads etcd. */
  readonly isLeader: boolean;
  /** The newest run of its journal; `null` without one. */
  readonly newestRun: string | null;
  readonly plan: Plan;
}

/** The plan of several nodes, as data. */
export interface NodesPlanResult {
  /** `side-by-side`: no majority of etcd works; `one-by-one`: in the order of `nodes`, each proven before the next. */
  readonly order: 'side-by-side' | 'one-by-one';
  readonly nodes: readonly NodePlan[];
  readonly steps?: undefined;
}

export interface NodesPlanInput {
  readonly order: NodesPlanResult['order'];
  readonly plans: readonly NodePlan[];
  readonly works: readonly NodeWork[];
  /** This command line without the program and without `--dry-run`. */
  readonly typed: string | undefined;
}

const ORDERS = {
  'side-by-side': 'side by side: no majority of etcd works, and each node waits for the others',
  'one-by-one': 'one after the other: a majority of etcd works, and the next node begins once the former is proven',
} as const;

const UNDO =
  'Each node keeps its own journal: `kube-rescue rollback RUN` undoes it there, or from here for all. A node goes on when the connection or this program ends. Ctrl-C stops each at its next safe point.';

/** The answer of a dry run: exit 3 when there is something to do. */
export async function answerNodesPlan(input: NodesPlanInput, session: Session): Promise<Answer<NodesPlanResult>> {
  const { order, plans, works, typed } = input;
  const hasWork = works.some(({ action }) => action !== 'none');
  const next = hasWork && typed !== undefined ? { command: typed, text: 'asks once, then recovers these nodes' } : null;
  const describe = await describer(session);
  const state = hasWork ? stateOf(plans) : 'nothing to do: every node is up to date';
  return {
    result: { order, nodes: plans },
    exitCode: hasWork ? EXIT.problems : EXIT.done,
    text: (terminal) =>
      [...renderNodes(input, describe, terminal), ...renderEnding(state, { next }, terminal)].join('\n'),
  };
}

/** The plan before the question. */
export async function planText(input: NodesPlanInput, session: Session, terminal: Terminal): Promise<string> {
  const lines = renderNodes(input, await describer(session), terminal);
  return [...lines, indentText('', stateOf(input.plans), terminal.columns), indentHint('', UNDO, terminal)].join('\n');
}

async function describer(session: Session): Promise<DescribeChange> {
  const { kinds } = await session.openWorkflow(() => undefined);
  return (change) => kinds.get(change.kind)?.describe(change) ?? `${change.kind} ${change.target}`;
}

function stateOf(plans: readonly NodePlan[]): string {
  return plans.map(({ name, changes, needed }) => `${name}: ${changes} changes in ${needed} steps`).join('; ');
}

const DONE_ALREADY = {
  recover: 'recover',
  resume: 'recover --resume',
  attach: 'follow its run',
  none: 'nothing to do',
};

/** A row for each node, then the steps: those of every node once, the others below their node. */
function renderNodes(
  { order, plans, works }: NodesPlanInput,
  describe: DescribeChange,
  terminal: Terminal,
): readonly string[] {
  const table = renderTable(
    {
      header: ['NODE', 'VERSION', 'CLOCK', 'ETCD', 'CHANGES', 'NEXT'],
      rows: plans.map(({ name, kubernetes, clockOffsetSeconds, isLeader, changes }, index) => [
        name,
        kubernetes ?? '-',
        `${clockOffsetSeconds >= 0 ? '+' : ''}${clockOffsetSeconds.toFixed(1)} s`,
        isLeader ? 'leader' : 'member',
        String(changes),
        DONE_ALREADY[works[index]?.action ?? 'none'],
      ]),
    },
    terminal,
  );
  const blocks = plans.map((plan) => ({ name: plan.name, blocks: blocksOf(plan, describe, terminal) }));
  const names = new Map<string, string[]>();
  for (const { name, blocks: own } of blocks)
    for (const block of own) names.set(block, [...(names.get(block) ?? []), name]);
  const byNodes = Map.groupBy(names, ([, of]) => of.join(', '));
  const sections = [...byNodes].flatMap(([of, entries]) => {
    const isAll = entries[0]?.[1].length === plans.length && plans.length > 1;
    return ['', isAll ? 'on every node:' : `on ${of}:`, ...entries.map(([block]) => block)];
  });
  return [table, ...sections, '', indentText('', ORDERS[order], terminal.columns)];
}

/** The open steps of a plan, each with its lines. */
function blocksOf({ plan }: NodePlan, describe: DescribeChange, terminal: Terminal): readonly string[] {
  const open = plan.entries.filter(({ finding, skipped }) => skipped || finding.status !== 'ok');
  const blocks: string[] = [];
  for (const line of renderBriefly(open, describe, { ...terminal, colour: false })) {
    if (line.startsWith(' ') && blocks.length > 0) blocks[blocks.length - 1] += `\n${line}`;
    else blocks.push(line);
  }
  return blocks;
}
