import { type HostFiles, type HostPath, joinPath, POD_LOGS } from '@kube-rescue/host';
import type { StaticPod } from '@kube-rescue/node-config';

export interface PodLogDirectory {
  readonly path: HostPath;
  readonly podUid: string;
}

/**
 * The log directories of every pod of this manifest that were not cleaned up yet. The kubelet creates one before
 * it starts a pod, so they identify the UIDs of this node.
 *
 * A pod whose name begins with this name and a dash is included, as the name of the node is unknown.
 * @returns `undefined` when the kubelet keeps no logs here
 */
export async function listPodLogDirectories(
  pod: Pick<StaticPod, 'name' | 'namespace'>,
  { host }: { readonly host: Pick<HostFiles, 'list'> },
): Promise<readonly PodLogDirectory[] | undefined> {
  const names = await host.list(POD_LOGS);
  return names
    ?.filter((name) => name.startsWith(`${pod.namespace}_${pod.name}-`))
    .map((name) => ({ path: joinPath(POD_LOGS, name), podUid: name.slice(name.lastIndexOf('_') + 1) }));
}
