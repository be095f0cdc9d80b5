import {
  type CertificateInventory,
  createRenewalSteps,
  inspectCertificates,
  type RenewalOptions,
} from '@kube-rescue/cert-rotation';
import {
  type AdoptionInput,
  type AdoptionRules,
  createAdoptionSteps,
  judgeCertificateSet,
  readCertificateSet,
} from '@kube-rescue/cert-rotation/adoption';
import type { Node, NodeDescription } from '@kube-rescue/node';
import type { Playbook, Step } from '@kube-rescue/workflow';
import { assertNoCachedSecret } from '../self-hosted/cached-files.ts';
import { assertSingleMember } from './single-member.ts';

/**
 * Installs a certificate set, without a restart: components use the old certificates until they restart. Its phase throws
 * NodeError `LAYOUT_UNSUPPORTED` where certificates are copies of Secrets, and for a set with another CA on one of several
 * control-plane nodes, before anything is written.
 */
export function createAdoptionPlaybook(
  opened: Node,
  options: { readonly adopt: AdoptionInput['set']; readonly rules?: AdoptionRules | undefined },
): Playbook {
  const certificates = opened.phase({
    id: 'certificates',
    title: 'Certificates',
    steps: async (node, description, signal) => {
      const { inspection } = description;
      const { adopt: set, rules } = options;
      const inventory = await inspectCertificates(inspection, node);
      assertNoCachedSecret(description, inventory.certificates);
      const found = await readCertificateSet(set.path, set.files);
      const { cas } = judgeCertificateSet(found, inventory, node.clock.now(), rules);
      if (cas.length > 0) await assertSingleMember(node, signal, 'change-ca');
      return createAdoptionSteps({ set, node: inspection, rules }, node);
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
