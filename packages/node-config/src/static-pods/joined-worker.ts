import { type Host, type HostPath, joinPath } from '@kube-rescue/host';

/** What `kubeadm init` and `kubeadm join --control-plane` write, and a worker does not have. */
const CONTROL_PLANE_FILES = [
  'admin.conf',
  'controller-manager.conf',
  'scheduler.conf',
  'pki/ca.key',
  'pki/apiserver.crt',
];

/**
 * Whether a node joined as a worker: it has the kubelet's kubeconfig and none of the files that kubeadm writes for a control plane.
 * Its manifest directory may be missing, because its kubelet runs no static pod.
 */
export async function isJoinedWorker(
  {
    kubernetesDirectory,
    kubeconfig,
  }: { readonly kubernetesDirectory: HostPath; readonly kubeconfig: HostPath | undefined },
  { host }: { readonly host: Pick<Host, 'stat'> },
): Promise<boolean> {
  if (kubeconfig === undefined || (await host.stat(kubeconfig)) === undefined) return false;
  const present = await Promise.all(CONTROL_PLANE_FILES.map((file) => host.stat(joinPath(kubernetesDirectory, file))));
  return present.every((stat) => stat === undefined);
}
