import { type HostFiles, type HostPath, joinPath, POD_LOGS } from '@kube-rescue/host';
import type { StaticPod } from '@kube-rescue/node-config';

export interface PodLogDirectory {
  readonly path: HostPath;
  readonly podUid: string;
}

/**
 * The log folders of every pod that ever came from this manifest and was not cleaned up yet. The kubelet makes one before
 * it starts a pod, so they tell which UIDs are a node's own.
 *
 * Another pod whose name begins with this one's name and a dash is taken for it, as the node's name is not known.
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
