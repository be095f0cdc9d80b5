import type { Clock } from '@kube-rescue/host';
import { describeVoters, listVoters, type Node, type Voters } from '@kube-rescue/node';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { awaitedOf, MEMBERS_TIMEOUT_MS } from '../kubeadm/other-members.ts';
import { createGateStep } from './gate-step.ts';

const INTERVAL_MS = 1_000;
const UNKNOWN = 'the members of etcd are not known: it does not answer this node';

/**
 * Every voting member of etcd answers this node. Before a recovery an etcd that is down names no other members; once it runs, a
 * recovered API server proves a majority only, and a member that is still down must not go unnoticed. Waits for `timeoutMs`; then
 * it is the turn of the nodes of these members.
 *
 * Members that cannot be listed are a warning: the API server proves that etcd works.
 */
export function createMembersGate(
  node: Node,
  requires: readonly StepId[],
  timeoutMs: number = MEMBERS_TIMEOUT_MS,
): Step {
  const observe = async (signal: AbortSignal): Promise<Verdict> => judge(await listVoters(node, signal));
  return createGateStep(
    {
      id: 'etcd/members-answer',
      title: 'wait for every member of etcd to answer',
      requires,
      timeoutMs,
      // A member of a busy machine that answers late is no work, and no reason for a snapshot.
      observe: async (signal) => {
        const voters = await listVoters(node, signal);
        const first = judge(voters);
        if (first.verified || !isKnown(voters)) return first;
        await node.clock.sleep(INTERVAL_MS, signal);
        return observe(signal);
      },
      prove: async (signal, waitingFor) => {
        const voters = await listVoters(node, signal);
        if (!isKnown(voters)) return { verified: true, evidence: [], warnings: [UNKNOWN] };
        return waitForMembers({ observe, timeoutMs, signal, waitingFor }, node);
      },
    },
    node,
  );
}

/** Observes once a second until the verdict is good, or the time is over. */
export async function waitForMembers(
  input: {
    readonly observe: (signal: AbortSignal) => Promise<Verdict>;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly waitingFor: (what: string) => void;
  },
  { clock }: { readonly clock: Clock },
): Promise<Verdict> {
  const start = clock.now().getTime();
  for (;;) {
    const verdict = await input.observe(input.signal);
    if (verdict.verified || clock.now().getTime() - start >= input.timeoutMs) return verdict;
    input.waitingFor(verdict.reason);
    await clock.sleep(INTERVAL_MS, input.signal);
  }
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
  const reason = `this is one of ${members.length} control-plane nodes: ${sum}`;
  const awaited = awaitedOf(members);
  if (awaited.awaits !== '') return { verified: false, reason, ...awaited };
  return { verified: false, reason, hint: 'read the log of etcd in /var/log/pods' };
}
