import {
  type AdoptionInput,
  type AdoptionRules,
  type CertificateInventory,
  createAdoptionSteps,
  createRenewalSteps,
  inspectCertificates,
  type RenewalOptions,
} from '@kube-rescue/cert-rotation';
import type { Node, NodeDescription } from '@kube-rescue/node';
import type { Playbook, Step } from '@kube-rescue/workflow';
import { assertNoCachedSecret } from '../self-hosted/cached-files.ts';

/**
 * Installs a certificate set, without a restart: components use the old certificates until they restart. Its phase throws
 * NodeError `LAYOUT_UNSUPPORTED` where certificates are copies of Secrets.
 */
export function createAdoptionPlaybook(
  opened: Node,
  options: { readonly adopt: AdoptionInput['set']; readonly rules?: AdoptionRules | undefined },
): Playbook {
  const certificates = opened.phase({
    id: 'certificates',
    title: 'Certificates',
    steps: async (node, description) => {
      const { inspection } = description;
      assertNoCachedSecret(description, (await inspectCertificates(inspection, node)).certificates);
      return createAdoptionSteps({ set: options.adopt, node: inspection, rules: options.rules }, node);
    },
  });
  return { id: 'certs-adopt', title: 'Adopt a certificate set', phases: [certificates] };
}

/** Steps that install a certificate set instead of renewals; self-signed certificates are renewed. */
export async function createAdoption(
  options: RenewalOptions,
  set: AdoptionInput['set'],
  { inspection }: NodeDescription,
  inventory: CertificateInventory,
  node: Node,
): Promise<readonly Step[]> {
  const certificates = inventory.certificates.filter(({ ca }) => ca === undefined);
  const selfSigned = createRenewalSteps({ inventory: { ...inventory, certificates }, options }, node);
  return [...(await createAdoptionSteps({ set, node: inspection }, node)), ...selfSigned] as readonly Step[];
}
