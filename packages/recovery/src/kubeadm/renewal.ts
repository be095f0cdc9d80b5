import {
  assertPresent,
  type CertificateId,
  createRenewalSteps,
  inspectCertificates,
  type RenewalOptions,
} from '@kube-rescue/cert-rotation';
import { createTokenKeySteps } from '@kube-rescue/cert-rotation/token-keys';
import { findScratchFacts, isWorker, type Node } from '@kube-rescue/node';
import type { Playbook } from '@kube-rescue/workflow';
import { assertNoCachedSecret } from '../self-hosted/cached-files.ts';

const ON_WORKER = 'this node is a worker: run this on a control-plane node';

/**
 * Renews certificates, those in `only` also without a problem, without a restart: components use the old certificates until they
 * restart. Its phase throws PkiError
 * `PKI_CERTIFICATE_MISSING` for a named certificate that the node does not have; NodeError `LAYOUT_UNSUPPORTED` where one of them
 * is a copy of a Secret.
 */
export function createRenewalPlaybook(
  opened: Node,
  options: RenewalOptions & { readonly only: readonly string[] },
): Playbook {
  const certificates = opened.phase({
    id: 'certificates',
    title: 'Certificates',
    isSideBySide: true,
    steps: async (node, description) => {
      const only = options.only.length === 0 ? undefined : (options.only as readonly CertificateId[]);
      const inventory = await inspectCertificates({ ...description.inspection, only }, node);
      if (only !== undefined) assertPresent(inventory, isWorker(description) ? ON_WORKER : undefined);
      assertNoCachedSecret(description, inventory.certificates);
      const facts = await findScratchFacts(description, node);
      const renewals = createRenewalSteps({ inventory, options: { ...options, named: only }, facts }, node);
      return only === undefined ? [...renewals, ...createTokenKeySteps(description.components, node)] : renewals;
    },
  });
  return { id: 'certs-renew', title: 'Renew certificates', phases: [certificates] };
}
