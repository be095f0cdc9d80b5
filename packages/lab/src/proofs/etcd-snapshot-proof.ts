import type { LabDeps } from '../cluster/deps.ts';
import { type EquippedNode, runOnNode } from '../cluster/node-command.ts';
import { type Proof, prove } from './proof.ts';

/**
 * Looks whether there is a snapshot of etcd on the node that only its owner can read, and that etcdctl accepts.
 *
 * @param path where it is said to be; `undefined` when nobody said so
 */
export function proveEtcdSnapshot(cluster: EquippedNode, path: string | undefined, deps: LabDeps): Promise<Proof> {
  return prove('etcdctl accepts the snapshot of etcd', async () => {
    if (path === undefined) return { ok: false, detail: 'no snapshot was named' };
    const { stdout: mode } = await runOnNode(cluster, ['stat', '--format=%a', path], deps);
    const { stdout } = await runOnNode(cluster, ['etcdctl', 'snapshot', 'status', path, '--write-out=json'], deps);
    const { totalKey, totalSize, revision } = parseStatus(stdout);
    const detail = `${path} (${mode.trim()}): ${totalKey} keys, ${totalSize} bytes, revision ${revision}`;
    return { ok: mode.trim() === '600' && totalKey > 0, detail };
  });
}

function parseStatus(text: string): {
  readonly totalKey: number;
  readonly totalSize: number;
  readonly revision: number;
} {
  const { totalKey = 0, totalSize = 0, revision = 0 } = JSON.parse(text) as Partial<ReturnType<typeof parseStatus>>;
  return { totalKey, totalSize, revision };
}
