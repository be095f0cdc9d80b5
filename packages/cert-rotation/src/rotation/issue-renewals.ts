import type { Clock, Host } from '@kube-rescue/host';
import type { Step } from '@kube-rescue/workflow';
import type { Certificate } from '@kube-rescue/x509';
import { type CertificateInventory, inspectCertificates } from '../inventory/inventory.ts';
import type { RenewalFinding } from '../renewal/renewal-check.ts';
import type { RenewalOptions } from '../renewal/renewal-options.ts';
import { createRenewalSteps } from '../renewal/renewal-steps.ts';
import type { RotationContext } from './rotation-file-step.ts';
import { inspectRotation } from './rotation-state.ts';
import { stageStepIds } from './stage-options.ts';

/**
 * Makes one step for every certificate that the CA signs on this node: reissues it with the new CA, unless that has signed it
 * already. Keys stay unless `options` ask for new ones.
 */
export function createIssueRenewalSteps(
  { inventory, options }: { readonly inventory: CertificateInventory; readonly options: RenewalOptions },
  context: RotationContext,
  deps: { readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat'>; readonly clock: Clock },
): readonly Step<RenewalFinding>[] {
  const { ca } = context;
  const certificates = inventory.certificates.filter((entry) => entry.ca === ca);
  return certificates.flatMap(({ id, definition }) => {
    const one = { ...inventory, certificates: certificates.filter((entry) => entry.id === id) };
    return createRenewalSteps({ inventory: one, options: { ...options, all: true } }, deps).map((step) => ({
      ...step,
      id: `issue/${step.id}`,
      requires: [stageStepIds(ca).issue],
      check: async (signal): Promise<RenewalFinding> => {
        const input = await context.inspection();
        const state = await inspectRotation(ca, input, context);
        const signer = (state.next ?? state.current).certificate;
        const [entry] = (await inspectCertificates({ ...input, only: [id] }, deps)).certificates;
        if (entry?.certificate.ok === true && isSignedBy(entry.certificate.value, signer)) {
          return {
            status: 'ok',
            summary: `the ${definition.name} is signed by the new CA already`,
            evidence: [],
            changes: [],
          };
        }
        const finding = await step.check(signal);
        if (finding.status !== 'needed') return finding;
        return { ...finding, summary: `the ${definition.name} must be signed by the new CA` };
      },
    }));
  });
}

/** Checks the key, because both CAs have the same name. */
function isSignedBy({ x509 }: Certificate, { x509: signer }: Certificate): boolean {
  return x509.verify(signer.publicKey);
}
