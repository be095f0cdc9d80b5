import { joinPath } from '@kube-rescue/host';
import type { Node } from '@kube-rescue/node';
import type { Playbook } from '@kube-rescue/workflow';
import { createApiGate, createNodeGate } from '../gates/gates.ts';
import { createLeaderGate } from '../gates/leader-gate.ts';
import { assertSingleMember } from '../kubeadm/single-member.ts';
import { API_STABLE } from '../step-ids.ts';
import { RESTORE_KUBELET } from './kubelet-step.ts';
import { assertLostForGood, readKnownMembers } from './lost-members.ts';
import { readRestoreNode } from './restore-node.ts';
import { assertMayRestore, assertRuns } from './restore-refusals.ts';
import { createRevisionGate } from './revision-gate.ts';
import { type EtcdRestoreInput, inspectSource, type RestoreSource } from './restore-source.ts';
import { createDataStep, createStopSteps, type RestoreContext } from './restore-steps.ts';
import { createStartSteps, RESTORE_START } from './start-steps.ts';

/**
 * Restores the etcd of a single control-plane node, or of the only one of several that is left, from a snapshot, or from the
 * database of a data directory, which may be its own: stops the API server
 * and etcd by their manifests, exchanges the data, starts both, and proves that API server, controllers and kubelet go on. The old
 * data stays beside the new; a rollback puts it back.
 *
 * Its phases throw before anything is written: NodeError `LAYOUT_UNSUPPORTED` `NODE_NOT_LIVE`; EtcdError `ETCD_RESTORE_REFUSED`
 * `ETCD_MEMBER_UNKNOWN` `ETCD_OTHER_CLUSTER` `ETCD_SNAPSHOT_INVALID` `ETCD_DATABASE_INVALID` `ETCD_RESTORE_TOOL`.
 */
export function createEtcdRestorePlaybook(opened: Node, input: EtcdRestoreInput): Playbook {
  const phases = createRestorePhases(opened, input);
  const proof = opened.phase({
    id: 'proof',
    title: 'Control plane',
    steps: (node) => [
      createRevisionGate(node, [RESTORE_START]),
      createApiGate(node, [RESTORE_KUBELET]),
      createNodeGate(node, [API_STABLE]),
      createLeaderGate('kube-controller-manager', node, [API_STABLE]),
      createLeaderGate('kube-scheduler', node, [API_STABLE]),
    ],
  });
  return { id: 'etcd-restore', title: 'Restore etcd', phases: [...phases, proof] };
}

/** The phases that change something. */
export function createRestorePhases(opened: Node, input: EtcdRestoreInput): Playbook['phases'] {
  // Computed once, so that a repeated check finds its own restore.
  const value = opened.clock.now().toISOString().replace(/[-:.]/g, '');
  let source: Promise<RestoreSource> | undefined;
  const prepare = async (node: Node, signal: AbortSignal): Promise<RestoreContext> => {
    assertRuns(node);
    const { without } = input;
    const facts = await readRestoreNode(node);
    if (without === undefined && !facts.isInterrupted) await assertSingleMember(node, signal, 'restore');
    const { readRestoreMark } = await import('@kube-rescue/etcd-access/restore');
    source ??= inspectSource(input, facts, node);
    const found = await source;
    const mark = await readRestoreMark(joinPath(facts.dataDirectory, 'member'), node);
    const known = without && (await readKnownMembers(found, { facts, mark }, node, signal));
    // The database of this member changes from then on; that it was restored, its members show.
    const isAlone = found.isOwn && mark !== undefined && known?.members.every(({ isThisNode }) => isThisNode) === true;
    const isRestored = mark?.source === found.sha256 || isAlone;
    const isDone = input.again === true ? mark?.value === value : isRestored;
    if (!isDone && known !== undefined) await assertLostForGood(known, without ?? []);
    if (!isDone && !facts.isInterrupted) {
      await assertMayRestore(input, node, signal);
      await assertSameCluster(found, input);
    }
    return { facts, source: found, isDone, mark, lost: known && { names: without ?? [], sum: known.sum } };
  };
  return [
    opened.phase({
      id: 'stop',
      title: 'Stop etcd',
      steps: async (node, _description, signal) => {
        const context = await prepare(node, signal);
        if (!context.isDone) await findTool(input, context, node);
        return createStopSteps(context, node);
      },
    }),
    opened.phase({
      id: 'data',
      title: 'Data of etcd',
      steps: async (node, _description, signal) => {
        const context = await prepare(node, signal);
        const tool = context.isDone ? undefined : await findTool(input, context, node);
        return [createDataStep(context, tool, value, node)];
      },
    }),
    opened.phase({
      id: 'start',
      title: 'Start etcd',
      steps: async (node, _description, signal) => createStartSteps(await prepare(node, signal), node),
    }),
  ];
}

async function findTool({ etcdutl: given }: EtcdRestoreInput, { facts: { version } }: RestoreContext, node: Node) {
  const { findRestoreTool } = await import('@kube-rescue/etcd-access/restore');
  return findRestoreTool({ given, version }, node);
}

/** @throws EtcdError `ETCD_OTHER_CLUSTER` */
async function assertSameCluster(
  { otherCluster, path }: RestoreSource,
  { acceptOtherCluster }: EtcdRestoreInput,
): Promise<void> {
  if (otherCluster === undefined || acceptOtherCluster === true) return;
  const { EtcdError } = await import('@kube-rescue/etcd-access');
  throw new EtcdError({
    code: 'ETCD_OTHER_CLUSTER',
    message: `the snapshot is of another cluster: ${otherCluster}`,
    subject: path,
    hint: 'nothing was changed; find the snapshot of this cluster. If only its CA was changed since, pass --accept-other-cluster',
  });
}
