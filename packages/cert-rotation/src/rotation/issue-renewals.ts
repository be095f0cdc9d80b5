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
 * One step for every certificate that the authority signs on this node: has the new one sign it, unless it did already. Keys
 * stay unless `options` say otherwise.
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
          return { status: 'ok', summary: `${definition.name} is of the new CA already`, evidence: [], changes: [] };
        }
        const finding = await step.check(signal);
        if (finding.status !== 'needed') return finding;
        return { ...finding, summary: `${definition.name} is to be signed by the new CA` };
      },
    }));
  });
}

/** Two authorities of one name differ in their keys alone. */
function isSignedBy({ x509 }: Certificate, { x509: signer }: Certificate): boolean {
  return x509.verify(signer.publicKey);
}
