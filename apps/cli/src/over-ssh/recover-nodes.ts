import { isDeepStrictEqual } from 'node:util';
import type { HostPath } from '@kube-rescue/host';
import type { Answer } from '../base-command.ts';
import type { Session } from '../wiring.ts';
import { carryProgram, findProgramFile } from './carried-file.ts';
import { holdingNodes, recordFiles } from './held-nodes.ts';
import { type NodeFacts, readFacts } from './node-facts.ts';
import { judgeFacts, remarksOn } from './node-judgement.ts';
import type { NodesRunResult } from './nodes-answer.ts';
import type { NodesPlanResult } from './nodes-plan.ts';
import { findUnfinished, newNodesId, type NodesRecord } from './nodes-record.ts';
import { inspectAndRun, type RecoverNodesInput } from './nodes-recovery.ts';
import { onEach, type RemoteNode, unfit } from './remote-node.ts';
import { listRuns, removePrograms } from './remote-run.ts';
import { fingerprintsOf, issueSharedCas, readSharedCas, type SharedCas, withSharedCas } from './shared-cas.ts';

const HINT = 'read the message, and run `kube-rescue triage` on that node';

/**
 * Recovers several control-plane nodes from this machine: inspects all of them, asks once, and runs `recover` of the carried program on
 * each. A node keeps its own journal, and goes on when the connection or this process ends.
 *
 * @throws CliError `NODES_UNFIT` `NODES_BUSY` `PROGRAM_NOT_GIVEN` `PROGRAM_UNUSABLE` `CONFIRMATION_REQUIRED` `DECLINED`; HostError
 */
export async function recoverNodes(
  input: RecoverNodesInput,
  session: Session,
): Promise<Answer<NodesPlanResult | NodesRunResult>> {
  const { reporter } = session;
  const program = await findProgramFile(input.program, session);
  return holdingNodes(input.nodes, 'kube-rescue recover --nodes', session, async (nodes, lock) => {
    const facts = await onEach(nodes, (node) => readFacts(node, input.kubernetesDirectory, session.clock), HINT);
    const earlier = input.resume
      ? await findUnfinished(namesOf(nodes), input.recordDirectory, recordFiles(session))
      : undefined;
    const given = await findGivenCas(input, earlier, session);
    const faults = judgeFacts(facts, program.machine, fingerprintsOf(given ?? {}));
    if (faults.length > 0) throw unfit(faults, 'fix each on its node, then run again; an interrupted run: --resume');
    for (const remark of remarksOn(facts)) reporter.warn(remark);
    await lock();
    return carryAndRun({ input, nodes, facts, earlier, given, assertLocked: lock, program }, session);
  });
}

interface Prepared {
  readonly input: RecoverNodesInput;
  readonly nodes: readonly RemoteNode[];
  readonly facts: readonly NodeFacts[];
  /** The recovery that is resumed. */
  readonly earlier: NodesRecord | undefined;
  /** CA certificates of the operator, or of the recovery that is resumed; `undefined`: they are issued where it is time. */
  readonly given: SharedCas | undefined;
  readonly assertLocked: () => Promise<void>;
  readonly program: Awaited<ReturnType<typeof findProgramFile>>;
}

async function carryAndRun(
  { input, nodes, facts, earlier, given, assertLocked, program }: Prepared,
  session: Session,
): Promise<Answer<NodesPlanResult | NodesRunResult>> {
  const { reporter, clock, interruption, localFiles } = session;
  const { signal } = interruption;
  const running = new Map(await onEach(nodes, async (node) => [node.name, (await listRuns(node))[0]] as const, HINT));
  const busy = nodes.filter(({ name }) => running.get(name) !== undefined).map(({ name }) => name);
  if (busy.length > 0 && !input.resume) {
    throw unfit(
      busy.map((name) => `${name}: an earlier recovery still goes on there`),
      'follow it with --resume',
    );
  }
  await onEach(nodes, removePrograms, HINT);
  signal.throwIfAborted();
  const id = newNodesId(clock);
  reporter.print(`carrying the program (${Math.ceil(program.bytes / 1e6)} MB) to ${nodes.length} nodes`);
  const paths = new Map(
    await onEach(
      nodes,
      async (node) => [node.name, await carryProgram(node, program, { id, localFiles })] as const,
      HINT,
    ),
  );
  const programOf = (name: string): HostPath => paths.get(name) ?? program.path;
  signal.throwIfAborted();
  const { nodeFlags, renewWithin: withinDays } = input;
  const cas = given ?? (await issueSharedCas({ nodes, facts, id, programOf, nodeFlags, withinDays }, session));
  signal.throwIfAborted();
  const shared = { nodes, cas, id: earlier?.id ?? id, isNeeded: earlier !== undefined };
  return withSharedCas(shared, session, (casFlags) => {
    const recoverFlags = [...input.recoverFlags, ...casFlags];
    const about = { nodes, facts, running, earlier, shared, id, programOf, assertLocked };
    return inspectAndRun({ ...about, input: { ...input, recoverFlags } }, session);
  });
}

/** @throws CliError `NODES_UNFIT` for others than those of the recovery that is resumed */
async function findGivenCas(
  { cas }: RecoverNodesInput,
  earlier: NodesRecord | undefined,
  { localFiles }: Session,
): Promise<SharedCas | undefined> {
  const given = cas === undefined ? undefined : await readSharedCas(cas, localFiles);
  if (earlier === undefined || given === undefined) return earlier === undefined ? given : (earlier.cas ?? {});
  if (isDeepStrictEqual(given, earlier.cas)) return given;
  throw unfit([`${earlier.id} began with other CA certificates`], 'omit --cas: the run that is resumed has its own');
}

function namesOf(nodes: readonly Pick<RemoteNode, 'name'>[]): readonly string[] {
  return nodes.map(({ name }) => name);
}
