import { componentFlags, type StaticPod } from '@kube-rescue/node-config';
import { setContainerFlag } from '@kube-rescue/static-manifests';

/**
 * The manifest of etcd with this member alone in `--initial-cluster`, and as a new cluster, as kubeadm writes it for the first
 * control plane; every other byte unchanged. `undefined` where that is so already.
 *
 * etcd reads neither flag while it has data. They matter to readers of the file, which would count members that are gone, and to
 * an etcd whose data is lost once more: with `existing` it would ask those members. Pure.
 * @throws ManifestError `MANIFEST_UNEDITABLE` `MANIFEST_INVALID`
 */
export function nameThisMemberAlone(pod: StaticPod): string | undefined {
  const { source, path } = pod.manifest;
  const flags = componentFlags(pod)?.flags;
  const members = flags?.get('initial-cluster');
  const peerUrl = flags?.get('initial-advertise-peer-urls');
  const alone = `${flags?.get('name') ?? 'default'}=${peerUrl ?? ''}`;
  if (members === undefined || peerUrl === undefined || members.split(',').length === 1) return undefined;
  const named = setContainerFlag(source, ['initial-cluster', members], alone, path);
  const state = flags?.get('initial-cluster-state');
  return state === undefined ? named : setContainerFlag(named, ['initial-cluster-state', state], 'new', path);
}
