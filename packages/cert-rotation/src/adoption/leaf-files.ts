import type { Host, HostPath } from '@kube-rescue/host';
import { encodePem, encodePrivateKey, isKeyOf, isSameCertificate, usualKeyLabel } from '@kube-rescue/x509';
import { renderRenewedFile } from '../renewal/renewal-files.ts';
import type { AdoptedLeaf } from './adoption.ts';

/** Whether the node already has the key of the certificate of the set. */
export function hasKey({ entry, certificate }: AdoptedLeaf): boolean {
  return entry.key.ok && isKeyOf(entry.key.value.key, certificate);
}

export function isInstalled(leaf: AdoptedLeaf): boolean {
  const { entry, certificate } = leaf;
  return entry.certificate.ok && isSameCertificate(entry.certificate.value, certificate) && hasKey(leaf);
}

/** The new bytes of one file: with the certificate of the set, and its key where the node has another. */
export function renderAdoptedFile(
  leaf: AdoptedLeaf,
  target: HostPath,
  files: Pick<Host, 'readFile' | 'readLink' | 'stat'>,
): Promise<Uint8Array> {
  const label = leaf.entry.key.ok ? leaf.entry.key.value.label : usualKeyLabel(leaf.key);
  const certificates = [leaf.certificate, ...leaf.intermediates];
  const pems = {
    certificate: certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    key: hasKey(leaf) ? undefined : encodePrivateKey(leaf.key, label),
  };
  return renderRenewedFile(leaf.entry, target, pems, files);
}
