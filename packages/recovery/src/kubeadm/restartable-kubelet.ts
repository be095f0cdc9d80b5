import { inspectCertificates, judgeCertificate } from '@kube-rescue/cert-rotation';
import type { Node } from '@kube-rescue/node';
import type { RestartableKubelet } from '@kube-rescue/static-manifests';

/**
 * This node's kubelet, and what would keep it from starting again: a malformed configuration, or a certificate that it cannot use.
 * A kubelet that runs works on with what it has in memory, so one that might not come back is not restarted only to save time.
 */
export async function findRestartableKubelet(node: Node): Promise<Omit<RestartableKubelet, 'service'>> {
  const { kubelet, inspection } = await node.describe();
  const [problem] = kubelet.problems;
  if (problem !== undefined)
    return { configuration: kubelet, obstacle: `its configuration is invalid: ${problem.message}` };
  const inventory = await inspectCertificates(inspection, node);
  const judgement = { now: node.clock.now(), expiringWithinDays: 0 };
  const bad = inventory.certificates.find(
    (entry) => entry.definition.component === 'kubelet' && judgeCertificate(entry, inventory, judgement).length > 0,
  );
  return { configuration: kubelet, obstacle: bad && `it might not start again with its ${bad.definition.name}` };
}
