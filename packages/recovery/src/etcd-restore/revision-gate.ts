import { isRecoveryError } from '@kube-rescue/errors';
import { joinPath } from '@kube-rescue/host';
import type { Node } from '@kube-rescue/node';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { createGateStep } from '../gates/gate-step.ts';
import { notYet } from '../gates/gates.ts';
import { readRestoreNode } from './restore-node.ts';

const TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2000;

/** The etcd that serves is the restored one: one member, with a majority, at the revision of the restore or beyond. */
export function createRevisionGate(node: Node, requires: readonly StepId[]): Step {
  return createGateStep(
    {
      id: 'etcd-restore/revision',
      title: 'wait for etcd to serve the restored data',
      requires,
      timeoutMs: TIMEOUT_MS,
      observe: async (signal) => observe(node, signal),
    },
    node,
  );
}

async function observe(node: Node, signal: AbortSignal): Promise<Verdict> {
  const { dataDirectory } = await readRestoreNode(node);
  const { readRestoreMark } = await import('@kube-rescue/etcd-access/restore');
  const mark = await readRestoreMark(joinPath(dataDirectory, 'member'), node);
  if (mark === undefined) return notYet(`${dataDirectory} is not restored`);
  try {
    const { client, connection } = await node.etcd({ timeoutMs: PROBE_TIMEOUT_MS, acceptExpiredServer: true }, signal);
    try {
      const [members, status] = [
        await client.members({ signal }),
        await client.status(connection.endpoint, { signal }),
      ];
      const revision = Number(status.revision);
      if (members.length !== 1 || !connection.hasQuorum) return notYet(`etcd has ${members.length} members`);
      if (revision < mark.revision)
        return notYet(`etcd is at revision ${revision}, the restore was at ${mark.revision}`);
      return { verified: true, evidence: [`${connection.endpoint}: one member, revision ${revision}`] };
    } finally {
      client.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error)) return notYet(`etcd does not serve: ${error.message}`);
    throw error;
  }
}
