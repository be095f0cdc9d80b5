import type { Host } from '@kube-rescue/host';
import { authorityKeyPath, holdsOneCertificate } from '../authority-inventory.ts';
import { signingCertificate } from '../authority-judgement.ts';
import type { Certificate } from '../certificate.ts';
import { followLinks } from '../file-target.ts';
import type { InspectionInput } from '../inventory.ts';
import { encodePem } from '../pem.ts';
import { encodePrivateKey, isKeyOf, usualKeyLabel } from '../private-key.ts';
import { findTrustPlaces, renderTrustPlace, type TrustPlace } from '../trust-places.ts';
import type { AdoptedAuthority, Adoption } from './set-judgement.ts';
import { type AuthorityPlace, findTrustGaps } from './trust-gaps.ts';

interface Deps {
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
  readonly now: Date;
}

/** Every file of a node that has to trust, or to hold, what an adoption brings; one may be there more than once. */
export async function findAuthorityPlaces(
  { authorities, roots }: Adoption,
  node: InspectionInput,
  deps: Deps,
): Promise<readonly AuthorityPlace[]> {
  const exchanged = await Promise.all(authorities.map((authority) => findPlaces(authority, node, deps)));
  return [...exchanged.flat(), ...(await findTrustGaps(roots, node, deps))];
}

async function findPlaces(
  { authority, certificate, key, isComplete }: AdoptedAuthority,
  node: InspectionInput,
  { host, now }: Deps,
): Promise<readonly AuthorityPlace[]> {
  const old = signingCertificate(authority);
  const found = old === undefined ? [] : await findTrustPlaces(old, { ...node, authorityPath: authority.path }, host);
  // The old authority is trusted beside the new one until it expires: what it signed may still be in use.
  const both: readonly Certificate[] = old !== undefined && now <= old.notAfter ? [certificate, old] : [certificate];
  const places = await Promise.all(
    found.map(async (place: TrustPlace): Promise<AuthorityPlace> => {
      const target = await followLinks(host, place.path);
      // kubeadm reads no bundle either, so there is none where none is needed.
      const isAlone = place.in === 'file' && (isComplete || holdsOneCertificate(place.path, node.components));
      const replacement = isAlone ? [certificate] : both;
      return {
        target,
        render: (bytes) => renderTrustPlace(place, bytes ?? new Uint8Array(), old ?? certificate, replacement),
      };
    }),
  );
  if (old === undefined) {
    const target = await followLinks(host, authority.path);
    places.push({ target, render: () => Buffer.from(encodePem('CERTIFICATE', certificate.der), 'latin1') });
  }
  const isOurs = key === undefined || (authority.issuer.ok && isKeyOf(authority.issuer.value.key, certificate));
  if (isOurs) return places;
  const target = await followLinks(host, authorityKeyPath(authority, node.components));
  return [...places, { target, render: () => Buffer.from(encodePrivateKey(key, usualKeyLabel(key)), 'latin1') }];
}
