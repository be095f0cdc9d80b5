import { PKI_ERRORS } from '../errors.ts';
import { kubeadmCommand } from '../inventory/kubeadm-phases.ts';
import { type CertificateEntry, type CertificateInventory, isRemoved } from '../inventory/inventory.ts';
import { describeLoss, type Loss } from '../inventory/loss.ts';
import { type Problem, problemOf } from './problem.ts';

/** Why a lost certificate cannot be made from scratch here, and what to do instead; `undefined` when its CA can sign it. */
export function findScratchObstacle(
  { id, definition, ca: caId, isKubeadms, alsoServesAs, certificateLocation, keyLocation, key }: CertificateEntry,
  { cas }: Pick<CertificateInventory, 'cas'>,
): Pick<Problem, 'message' | 'hint'> | undefined {
  const command = kubeadmCommand(id);
  if (!isKubeadms || alsoServesAs.length > 0 || command === undefined) {
    return {
      message: 'kubeadm did not write this file',
      hint: 'restore it from a backup, or have it issued again by the tool that made it',
    };
  }
  const ca = cas.find((each) => each.id === caId);
  if (ca?.issuer.ok === true) return undefined;
  const { code, message, hint } = ca?.issuer.ok === false ? ca.issuer.error : { code: '', message: '', hint: '' };
  if (code === 'PKI_CA_KEY_ELSEWHERE') return { message, hint: hint ?? '' };
  const paths = [certificateLocation.path, ...(key.ok && keyLocation.in === 'file' ? [keyLocation.path] : [])];
  return {
    message: `the ${ca?.definition.name ?? 'CA'} cannot sign here: ${message}`,
    hint: `${hint ?? `put the certificate and the key of the ${definition.name}'s CA on this node`}; then \`kube-rescue certs renew ${id}\` makes it from scratch, or, with ${[...new Set(paths)].join(' and ')} moved away, \`${command}\``,
  };
}

const LOST = {
  code: 'PKI_CERTIFICATE_LOST',
  kind: PKI_ERRORS.PKI_CERTIFICATE_LOST,
  hint: 'have it made from scratch, with the key of its CA: `kube-rescue certs renew`',
} as const;

/** The problem of a certificate whose file was lost. */
export function judgeLoss(
  entry: CertificateEntry & { readonly loss: Loss },
  inventory: Pick<CertificateInventory, 'cas'>,
): Problem {
  const { id, certificateLocation, certificate, key, loss } = entry;
  const error = certificate.ok ? (key.ok ? undefined : key.error) : certificate.error;
  if (error === undefined) throw new Error(`${id} was not lost`);
  const obstacle = findScratchObstacle(entry, inventory);
  const found = problemOf(error, certificateLocation.path);
  return {
    ...found,
    ...(obstacle === undefined ? LOST : { hint: obstacle.hint }),
    message: describeLoss(loss),
    severity: isRemoved(entry) ? 'warning' : 'problem',
  };
}
