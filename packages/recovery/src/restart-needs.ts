import { type CertificateInventory, inspectCertificates, judgeCertificate } from '@kube-rescue/cert-rotation';
import { findKubeletStaleness, findPodStaleness, type RestartNeed } from '@kube-rescue/static-manifests';
import { describeNode, findPod, type NodeDeps, type NodeOptions } from './kubeadm-node.ts';
import { CONTROL_PLANE } from './layout.ts';

/** Looks which parts of the control plane do not run on their files as they are, or have files that are to be renewed. */
export async function findRestartNeeds(
  options: NodeOptions,
  deps: NodeDeps,
): Promise<{ readonly pods: readonly RestartNeed[]; readonly kubelet: string | undefined }> {
  const node = await describeNode(options, deps);
  const inventory = await inspectCertificates(node.inspection, deps);
  const now = deps.clock.now();
  const pods: RestartNeed[] = [];
  for (const component of CONTROL_PLANE) {
    const pod = findPod(node, component);
    const flags = node.components.find((candidate) => candidate.component === component);
    if (pod === undefined || flags === undefined) continue;
    const reason = findBadCertificate(inventory, component, now) ?? (await findPodStaleness({ pod, flags }, deps));
    pods.push({ pod, reason });
  }
  const kubelet = findBadCertificate(inventory, 'kubelet', now) ?? (await findKubeletStaleness(node.kubelet, deps));
  return { pods, kubelet };
}

function findBadCertificate(inventory: CertificateInventory, component: string, now: Date): string | undefined {
  const bad = inventory.certificates.find(
    (entry) =>
      entry.definition.component === component &&
      judgeCertificate(entry, inventory, { now, expiringWithinDays: 0 }).some(({ severity }) => severity === 'problem'),
  );
  return bad && `${component} works with a certificate that is to be renewed: ${bad.definition.name}`;
}
