import { describeVoters, listVoters, type Node, type Voters } from '@kube-rescue/node';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { createGateStep } from './gate-step.ts';

/** A restarted member has caught up with the others within seconds. */
const TIMEOUT_MS = 30_000;
const INTERVAL_MS = 1_000;
const UNKNOWN = 'the members of etcd are not known: it does not answer this node';

/**
 * Every voting member of etcd answers this node. Before a recovery an etcd that is down names no other members; once it runs, a
 * recovered API server proves a majority only, and a member that is still down must not go unnoticed.
 *
 * Members that cannot be listed are a warning: the API server proves that etcd works.
 */
export function createMembersGate(node: Node, requires: readonly StepId[]): Step {
  return createGateStep(
    {
      id: 'etcd/members-answer',
      title: 'wait for every member of etcd to answer',
      requires,
      timeoutMs: TIMEOUT_MS,
      observe: async (signal) => judge(await listVoters(node, signal)),
      prove: async (signal, waitingFor) => {
        const start = node.clock.now().getTime();
        for (;;) {
          const voters = await listVoters(node, signal);
          if (!isKnown(voters)) return { verified: true, evidence: [], warnings: [UNKNOWN] };
          const verdict = judge(voters);
          if (verdict.verified || node.clock.now().getTime() - start >= TIMEOUT_MS) return verdict;
          waitingFor(verdict.reason);
          await node.clock.sleep(INTERVAL_MS, signal);
        }
      },
    },
    node,
  );
}

function isKnown(voters: Voters | undefined): voters is Voters {
  return voters !== undefined && (voters.source === 'client' || voters.source === 'peer');
}

function judge(voters: Voters | undefined): Verdict {
  if (!isKnown(voters)) return { verified: false, reason: UNKNOWN };
  const { members, hasQuorum } = voters;
  if (members.length === 1) return { verified: true, evidence: ['etcd has one member, which answers'] };
  const sum = describeVoters(voters);
  if (hasQuorum && members.every(({ answers }) => answers === true)) return { verified: true, evidence: [sum] };
  return {
    verified: false,
    reason: `this is one of ${members.length} control-plane nodes: ${sum}`,
    hint: 'renew the certificates of the members that do not answer with `kube-rescue certs renew` there, and start their kubelets; `kube-rescue triage` on each node shows what it lacks',
  };
}
