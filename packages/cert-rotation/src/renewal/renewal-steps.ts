import type { Clock, Host, HostPath } from '@kube-rescue/host';
import type { Change, Step } from '@kube-rescue/workflow';
import { reissueStepId, renewalStepId } from '../inventory/catalogue.ts';
import type { CertificateEntry } from '../inventory/inventory.ts';
import type { RenewalFinding } from './renewal-check.ts';
import { planRenewals, type RenewalInput } from './renewal-plans.ts';
import { proveEdits } from './written-content.ts';
import { verifyRenewal } from './renewal-verification.ts';

/**
 * One step for every certificate of an inventory, in the order of the catalogue. A step reads the node again; the inventory
 * only lists the certificates.
 *
 * Renews certificates with a problem and those in `options`. Does not restart components; they keep the old certificates
 * until a restart.
 * @throws PkiError `PKI_LIFETIME_INVALID` `PKI_NAME_INVALID`
 */
export function createRenewalSteps(
  input: RenewalInput,
  deps: { readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat'>; readonly clock: Clock },
): readonly Step<RenewalFinding>[] {
  return planRenewals(input, deps).map(({ entry, context, check, render }, index, plans): Step<RenewalFinding> => {
    const { ca, definition } = entry;
    const sharing = plans.slice(0, index).filter((earlier) => shareFile(earlier.entry, entry));
    const isMade = entry.loss !== undefined && context.facts !== undefined;
    let written: readonly Change[] = [];
    return {
      id: renewalStepId(definition),
      title: isMade ? `make the ${definition.name} from scratch` : `renew the ${definition.name}`,
      requires: [
        ...(ca !== undefined && context.reissued.includes(ca) ? [reissueStepId(ca)] : []),
        // The others may run side by side.
        ...sharing.map((earlier) => renewalStepId(earlier.entry.definition)),
      ],
      reversible: 'yes',
      check,
      plan: ({ changes }) => changes,
      apply: async (changes, journal) => {
        const edits = await proveEdits(await render(changes), deps.host, { replacesLost: isMade });
        written = changes;
        await journal.perform(edits);
      },
      verify: () => verifyRenewal(context, written, deps.clock.now()),
    };
  });
}

/** Two certificates whose renewals may write the same file, such as a key that serves both. */
function shareFile(a: CertificateEntry, b: CertificateEntry): boolean {
  const files = filesOf(a);
  return filesOf(b).some((file) => files.includes(file));
}

function filesOf({ certificateLocation, keyLocation, store }: CertificateEntry): readonly HostPath[] {
  const stored = store === undefined ? [] : [store.link, ...(store.embedded ? [store.embedded.kubeconfig] : [])];
  return [certificateLocation.path, keyLocation.path, ...stored];
}
