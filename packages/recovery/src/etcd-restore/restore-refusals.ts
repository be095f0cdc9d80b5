import { isRecoveryError } from '@kube-rescue/errors';
import { type Node, NodeError } from '@kube-rescue/node';
import type { EtcdRestoreInput } from './restore-source.ts';

const PROBE_TIMEOUT_MS = 2000;

/** @throws NodeError `NODE_NOT_LIVE` on a copy of files */
export function assertRuns(node: Pick<Node, 'host'>): void {
  if (node.host.kind === 'copy') {
    throw new NodeError({
      code: 'NODE_NOT_LIVE',
      message: 'etcd of a copy of files cannot be restored: it does not run',
      subject: node.host.name,
      hint: 'run this on the node itself, without --root',
    });
  }
}

/**
 * Makes sure that a restore loses nothing that works: etcd serves no more, unless the operator says so.
 * @throws EtcdError `ETCD_RESTORE_REFUSED` while etcd works
 */
export async function assertMayRestore(
  { replaceWorking }: Pick<EtcdRestoreInput, 'replaceWorking'>,
  node: Node,
  signal: AbortSignal,
): Promise<void> {
  if (replaceWorking === true) return;
  const endpoint = await findWorking(node, signal);
  if (endpoint === undefined) return;
  const { EtcdError } = await import('@kube-rescue/etcd-access');
  // Tolerated: nothing. A member that answers with a majority has every write; a restore would throw away those since the snapshot.
  throw new EtcdError({
    code: 'ETCD_RESTORE_REFUSED',
    message: `etcd works: ${endpoint} answers with a majority, and a restore would lose everything since the snapshot`,
    subject: endpoint,
    hint: 'nothing was changed; if the cluster shall go back to the snapshot all the same, take a snapshot of now first (`kube-rescue etcd snapshot FILE`), then pass --replace-working-etcd',
  });
}

async function findWorking(node: Node, signal: AbortSignal): Promise<string | undefined> {
  try {
    const search = { timeoutMs: PROBE_TIMEOUT_MS, acceptExpiredServer: true };
    const { client, connection } = await node.etcd(search, signal);
    client.close();
    return connection.hasQuorum ? connection.endpoint : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
