import { type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { NodeError } from '@kube-rescue/node';

const ROLES = ['node-role.kubernetes.io/master', 'node-role.kubernetes.io/control-plane'];

/**
 * Makes sure that no other node runs an API server of this cluster: its checkpointer would keep its old cached copies. An
 * unreadable Node counts as a worker: it must not stop the recovery, and the step of the join bundles names it.
 * @throws NodeError `LAYOUT_UNSUPPORTED`; ObjectError when the Nodes cannot be listed
 */
export async function assertSingleMaster(store: Pick<ObjectStore, 'list'>, signal: AbortSignal): Promise<void> {
  const masters: string[] = [];
  for await (const { object } of store.list(RESOURCE_KINDS.Node, { signal, onUnreadable: () => undefined })) {
    const labels = Object.keys(object.metadata.labels ?? {});
    if (ROLES.some((role) => labels.includes(role))) masters.push(object.metadata.name);
  }
  if (masters.length <= 1) return;
  throw new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message: `unsupported layout: ${masters.length} control-plane nodes; only a single one can be recovered`,
    subject: masters.join(', '),
    hint: 'nothing was changed; update the Secrets with `kube-rescue manifests checkpoint` on one node after the other',
  });
}
