import { toRfc3339 } from '@kube-rescue/errors';
import type { HostPath } from '@kube-rescue/host';
import type { Answer } from '../base-command.ts';
import { ask, assertCanConfirm, isOnTerminal } from '../confirmation.ts';
import { CliError } from '../errors.ts';
import type { Session } from '../wiring.ts';
import { recordFiles } from './held-nodes.ts';
import type { NodeFacts } from './node-facts.ts';
import { inspectNode, type NodeInspection } from './node-inspection.ts';
import { judgeMembers, orderOf } from './node-judgement.ts';
import type { ListedNode } from './node-list.ts';
import { answerNodesRun, type NodesRunResult, outcomeOf } from './nodes-answer.ts';
import { answerNodesPlan, type NodePlan, type NodesPlanResult, planText } from './nodes-plan.ts';
import { type NodesRecord, writeRecord } from './nodes-record.ts';
import { type NodeWork, runNodes, upToDate } from './nodes-run.ts';
import { onEach, type RemoteNode, unfit } from './remote-node.ts';
import type { RemoteRun } from './remote-run.ts';
import type { CarriedCas } from './shared-cas.ts';

export interface RecoverNodesInput {
  readonly nodes: readonly ListedNode[];
  /** `--program`. */
  readonly program: string | undefined;
  /** Members of etcd that are left out. */
  readonly without: readonly string[];
  /** The flags that select the files of a node, for every command there. */
  readonly nodeFlags: readonly string[];
  /** The flags of `recover` there. */
  readonly recoverFlags: readonly string[];
  readonly kubernetesDirectory: HostPath;
  /** CA certificates for all nodes, on this machine. Default: those that have expired or expire soon are issued. */
  readonly cas: HostPath | undefined;
  /** `--renew-within`, in days. */
  readonly renewWithin: number | undefined;
  /** Of the records, on this machine. */
  readonly recordDirectory: HostPath;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly resume: boolean;
}

/** Nodes with the carried program on each, not inspected yet. */
export interface CarriedNodes {
  readonly input: RecoverNodesInput;
  readonly nodes: readonly RemoteNode[];
  readonly facts: readonly NodeFacts[];
  /** What still runs there, by the name of the node. */
  readonly running: ReadonlyMap<string, RemoteRun | undefined>;
  /** The recovery that is resumed. */
  readonly earlier: NodesRecord | undefined;
  readonly shared: CarriedCas;
  /** Of the carried programs. */
  readonly id: string;
  readonly programOf: (name: string) => HostPath;
  readonly assertLocked: () => Promise<void>;
}

const HINT = 'read the message, and run `kube-rescue triage` on that node';

/**
 * Inspects all nodes by the program there, asks once, and runs `recover` on each.
 * @throws CliError `NODES_UNFIT` `NODES_BUSY` `NODE_COMMAND_FAILED` `CONFIRMATION_REQUIRED` `DECLINED`; HostError
 */
export async function inspectAndRun(
  { input, nodes, facts, running, earlier, shared, id, programOf, assertLocked }: CarriedNodes,
  session: Session,
): Promise<Answer<NodesPlanResult | NodesRunResult>> {
  const { reporter, clock, interruption } = session;
  const { signal } = interruption;
  reporter.print(`inspecting ${nodes.map(({ name }) => name).join(', ')}`);
  const inspections = await onEach(nodes, (node) => inspectNode(node, programOf(node.name), input), HINT);
  signal.throwIfAborted();
  const members = inspections.map(({ node, listing }) => ({ name: node.name, listing }));
  const faults = judgeMembers(members, input.without);
  if (faults.length > 0)
    throw unfit(
      faults,
      'name every member of etcd in --nodes, and nothing else; a member that is gone for good: --without NAME',
    );
  const order = orderOf(members);
  const plans = order.names.flatMap((name) => toPlan(name, { inspections, facts, leader: order.leader }));
  const works = plans.map((plan) =>
    workOf(plan, inspections, { running: running.get(plan.name), resume: input.resume }),
  );
  const refusals = plans.flatMap((plan, index) => refusalsOf(plan, works[index], inspections));
  if (refusals.length > 0) throw unfit(refusals, 'fix each on its node, then run again; an interrupted run: --resume');
  const about = { order: order.order, plans, works, typed: session.typed('recover') };
  if (input.dryRun) return answerNodesPlan(about, session);
  if (works.every(({ action }) => action === 'none')) {
    const results = works.map(({ node }) => upToDate(node.name));
    return answerNodesRun({ id: null, order: order.order, results, seconds: 0, typed: about.typed });
  }
  assertCanConfirm({ yes: input.yes, hasTerminal: isOnTerminal(), command: about.typed });
  reporter.print(`${await planText(about, session, reporter.terminal)}\n`);
  const names = works.filter(({ action }) => action !== 'none').map(({ node }) => node.name);
  if (!input.yes && !(await ask(`Recover ${names.join(', ')}?`, signal))) {
    throw new CliError({ code: 'DECLINED', message: 'aborted; nothing was changed' });
  }
  const record = await beginRecord({ input, inspections, names: order.names, earlier, shared }, session);
  shared.isNeeded = true;
  const started = clock.now().getTime();
  interruption.remember(
    `what runs on the nodes goes on; follow it with: \`kube-rescue ${about.typed ?? 'recover'} --resume\``,
  );
  const { recoverFlags, nodeFlags } = input;
  const results = await runNodes({ id, works, order: order.order, recoverFlags, nodeFlags, assertLocked }, session);
  const outcome = outcomeOf(results);
  await writeRecord(
    { ...record, outcome: outcome === 'nothing-to-do' ? 'done' : outcome },
    input.recordDirectory,
    recordFiles(session),
  );
  shared.isNeeded = !['done', 'nothing-to-do'].includes(outcome);
  const seconds = (clock.now().getTime() - started) / 1000;
  return answerNodesRun({ id: record.id, order: order.order, results, seconds, typed: about.typed });
}

async function beginRecord(
  {
    input,
    inspections,
    names,
    earlier,
    shared,
  }: Pick<CarriedNodes, 'input' | 'earlier' | 'shared'> & {
    readonly inspections: readonly NodeInspection[];
    readonly names: readonly string[];
  },
  session: Session,
): Promise<NodesRecord> {
  const { recordDirectory, nodeFlags } = input;
  const now = session.clock.now();
  const nodes = names.flatMap((name) => {
    const listed = input.nodes.find((node) => node.name === name);
    const newest = inspections.find(({ node }) => node.name === name)?.newestRun?.number ?? null;
    return listed === undefined ? [] : [{ ...listed, newestRunBefore: newest }];
  });
  const record: NodesRecord = earlier ?? {
    ...{ version: 1, id: shared.id, startedAt: toRfc3339(now), nodes, nodeFlags, cas: shared.cas },
    outcome: 'started',
  };
  await writeRecord({ ...record, outcome: 'started' }, recordDirectory, recordFiles(session));
  return record;
}

function toPlan(
  name: string,
  {
    inspections,
    facts,
    leader,
  }: {
    readonly inspections: readonly NodeInspection[];
    readonly facts: readonly NodeFacts[];
    readonly leader: string | undefined;
  },
): readonly NodePlan[] {
  const inspection = inspections.find(({ node }) => node.name === name);
  const fact = facts.find((each) => each.name === name);
  if (inspection === undefined || fact === undefined) return [];
  const { needed, changes, waiting, blocked, plan } = inspection.plan;
  const { address } = inspection.node;
  const { kubernetes, clockOffsetMs } = fact;
  const clockOffsetSeconds = Math.round(clockOffsetMs / 100) / 10;
  const about = { name, address, kubernetes, clockOffsetSeconds, isLeader: name === leader };
  const newestRun = inspection.newestRun?.id ?? null;
  return [{ ...about, needed, changes, waiting, blocked, plan, newestRun }];
}

function workOf(
  { name, needed, waiting }: NodePlan,
  inspections: readonly NodeInspection[],
  { running, resume }: { readonly running: RemoteRun | undefined; readonly resume: boolean },
): NodeWork {
  const inspection = inspections.find(({ node }) => node.name === name);
  if (inspection === undefined) throw new Error(`${name} was not inspected`);
  const { node, newestRun } = inspection;
  if (running !== undefined) return { node, action: 'attach', running };
  const isUnfinished = ['interrupted', 'not-verified'].includes(newestRun?.outcome ?? '');
  if (resume && isUnfinished && newestRun?.command === 'recover') return { node, action: 'resume' };
  return { node, action: needed + waiting > 0 ? 'recover' : 'none' };
}

/** Why a node cannot be recovered as it is. */
function refusalsOf(
  plan: NodePlan,
  work: NodeWork | undefined,
  inspections: readonly NodeInspection[],
): readonly string[] {
  if (work?.action !== 'recover') return [];
  const newest = inspections.find(({ node }) => node.name === plan.name)?.newestRun;
  if (newest?.outcome === 'interrupted') return [`${plan.name}: its run ${newest.id} was interrupted`];
  const blockers = plan.plan.entries.filter(({ finding, skipped }) => {
    return !skipped && ['blocked', 'unknown'].includes(finding.status) && (finding.waitsFor ?? []).length === 0;
  });
  return [...new Set(blockers.map(({ step, finding }) => `${plan.name}: ${step}: ${finding.summary}`))];
}
