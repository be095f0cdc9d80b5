import { PkiError } from '../errors.ts';
import type { CertificateInventory } from './inventory.ts';

/**
 * Refuses to go on without a certificate that was named.
 *
 * @param hint where to find it. Default: the certificates of this node
 * @throws PkiError `PKI_CERTIFICATE_MISSING`
 */
export function assertPresent(
  { absent }: Pick<CertificateInventory, 'absent'>,
  hint = 'choose from the certificates of this node: `kube-rescue certs check`',
): void {
  const [first] = absent;
  if (first === undefined) return;
  throw new PkiError({
    code: 'PKI_CERTIFICATE_MISSING',
    message: first.reason,
    subject: absent.map(({ id }) => id).join(', '),
    hint: first.hint ?? hint,
  });
}
