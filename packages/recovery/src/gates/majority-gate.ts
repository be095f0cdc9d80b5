import { describeVoters, listVoters, type Node } from '@kube-rescue/node';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { awaitedOf, MEMBERS_TIMEOUT_MS } from '../kubeadm/other-members.ts';
import { createGateStep } from './gate-step.ts';
import { waitForMembers } from './members-gate.ts';

/**
 * A majority of etcd works, without which no API server does. Waits for the other control-plane nodes for `timeoutMs`; then it is
 * their turn.
 */
export function createMajorityGate(
  node: Node,
  requires: readonly StepId[],
  timeoutMs: number = MEMBERS_TIMEOUT_MS,
): Step {
  const observe = async (signal: AbortSignal): Promise<Verdict> => {
    const voters = await listVoters(node, signal);
    // A member that lists no others cannot wait for them; what is wrong with it, the API server shows.
    if (voters === undefined) return { verified: true, evidence: [] };
    const sum = describeVoters(voters);
    if (voters.hasQuorum) return { verified: true, evidence: [sum] };
    const awaited = awaitedOf(voters.members);
    const reason = `this is one of ${voters.members.length} control-plane nodes, and etcd waits for a majority: ${sum}`;
    return awaited.awaits === '' ? { verified: false, reason } : { verified: false, reason, ...awaited };
  };
  return createGateStep(
    {
      id: 'etcd/majority',
      title: 'wait for a majority of etcd',
      requires,
      timeoutMs,
      observe,
      prove: (signal, waitingFor) => waitForMembers({ observe, timeoutMs, signal, waitingFor }, node),
    },
    node,
  );
}
