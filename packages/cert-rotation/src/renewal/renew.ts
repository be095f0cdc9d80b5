import type { Clock } from '@kube-rescue/host';
import type { CertificateInventory } from '../inventory/inventory.ts';
import { planReissues, type ReissueOptions } from './ca-plans.ts';
import { type NodeReader, renderPlans, type RenewedFiles } from './file-plan.ts';
import type { RenewalOptions } from './renewal-options.ts';
import { planRenewals } from './renewal-plans.ts';

/**
 * Renews the certificates of an inventory in memory: first expired CAs with the same keys, then certificates with a problem and
 * those in `options`. Reads through `host` and writes nothing.
 *
 * Without the CA key a certificate stays while it is valid, even against `options`, and blocks once it has expired.
 *
 * @returns the new files and the blocking findings; `files` is incomplete when a finding blocks
 * @throws PkiError `PKI_LIFETIME_INVALID` `PKI_NAME_INVALID` `PKI_CERTIFICATE_UNKNOWN`; HostError of the reader
 */
export async function renew(
  inventory: CertificateInventory,
  options: RenewalOptions & ReissueOptions,
  {
    host,
    clock,
    signal,
  }: { readonly host: NodeReader; readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<RenewedFiles> {
  const reissued = inventory.cas.map(({ id }) => id);
  const isSignable = ({ ca }: CertificateInventory['certificates'][number]): boolean =>
    inventory.cas.every(({ id, issuer }) => id !== ca || issuer.ok);
  const signable = { ...inventory, certificates: inventory.certificates.filter(isSignable) };
  const others = { ...inventory, certificates: inventory.certificates.filter((entry) => !isSignable(entry)) };
  const onlyExpired = { ...options, expiringWithinDays: 0, all: false };
  return renderPlans(
    host,
    async (reader) => {
      const deps = { host: reader, clock };
      return [
        ...planReissues({ inventory, options }, deps),
        ...planRenewals({ inventory: signable, options, reissued }, deps),
        ...planRenewals({ inventory: others, options: onlyExpired, reissued }, deps),
      ];
    },
    signal,
  );
}
