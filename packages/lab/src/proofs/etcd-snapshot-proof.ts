import type { LabDeps } from '../machine/lab-deps.ts';
import type { LabCluster } from '../cluster/lab-cluster.ts';
import { runOnNode } from '../cluster/node-command.ts';
import { type Proof, prove } from './proof.ts';

/**
 * Proves that the etcd snapshot exists on the node, is private to its owner, and is valid according to etcd's own tool: etcdutl since 3.6, etcdctl
 * before.
 *
 * @param path the path that the recovery named; `undefined` when it named none
 */
export function proveEtcdSnapshot(cluster: LabCluster, path: string | undefined, deps: LabDeps): Promise<Proof> {
  const tool = cluster.release.etcdVersion === undefined ? 'etcdctl' : 'etcdutl';
  return prove(`${tool} accepts the etcd snapshot`, async () => {
    if (path === undefined) return { ok: false, detail: 'the recovery named no snapshot' };
    const { stdout: mode } = await runOnNode(cluster, ['stat', '--format=%a', path], deps);
    const { stdout } = await runOnNode(cluster, [tool, 'snapshot', 'status', path, '--write-out=json'], deps);
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
