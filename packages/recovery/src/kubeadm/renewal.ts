import {
  type CertificateId,
  createRenewalSteps,
  inspectCertificates,
  type RenewalOptions,
} from '@kube-rescue/cert-rotation';
import type { Node } from '@kube-rescue/node';
import type { Playbook } from '@kube-rescue/workflow';

/** Renews certificates, without a restart: components use the old certificates until they restart. */
export function createRenewalPlaybook(
  opened: Node,
  options: RenewalOptions & { readonly only: readonly string[] },
): Playbook {
  const certificates = opened.phase({
    id: 'certificates',
    title: 'Certificates',
    steps: async (node, { inspection }) => {
      const only = options.only.length === 0 ? undefined : (options.only as readonly CertificateId[]);
      const inventory = await inspectCertificates({ ...inspection, only }, node);
      return createRenewalSteps({ inventory, options }, node);
    },
  });
  return { id: 'certs-renew', title: 'Renew certificates', phases: [certificates] };
}
