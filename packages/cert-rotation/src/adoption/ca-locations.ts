import type { Host } from '@kube-rescue/host';
import { type Certificate, encodePem, encodePrivateKey, isKeyOf, usualKeyLabel } from '@kube-rescue/x509';
import { caKeyPath, holdsOneCertificate } from '../inventory/ca-inventory.ts';
import { signingCertificate } from '../judgement/ca-judgement.ts';
import { followLinks } from '../renewal/file-target.ts';
import type { InspectionInput } from '../inventory/inventory.ts';
import { findTrustLocations, renderTrustLocation, type TrustLocation } from '../renewal/trust-locations.ts';
import type { AdoptedCa, Adoption } from './set-judgement.ts';
import { type CaLocation, findTrustGaps } from './trust-gaps.ts';

interface Deps {
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
  readonly now: Date;
}

/** Every file of a node that has to trust, or to hold, what an adoption brings; one may be there more than once. */
export async function findCaLocations(
  { cas, roots }: Adoption,
  node: InspectionInput,
  deps: Deps,
): Promise<readonly CaLocation[]> {
  const exchanged = await Promise.all(cas.map((ca) => findPlaces(ca, node, deps)));
  return [...exchanged.flat(), ...(await findTrustGaps(roots, node, deps))];
}

async function findPlaces(
  { ca, certificate, key, isComplete }: AdoptedCa,
  node: InspectionInput,
  { host, now }: Deps,
): Promise<readonly CaLocation[]> {
  const old = signingCertificate(ca);
  const found = old === undefined ? [] : await findTrustLocations(old, { ...node, caPath: ca.path }, host);
  // The old authority is trusted beside the new one until it expires: what it signed may still be in use.
  const both: readonly Certificate[] = old !== undefined && now <= old.notAfter ? [certificate, old] : [certificate];
  const places = await Promise.all(
    found.map(async (place: TrustLocation): Promise<CaLocation> => {
      const target = await followLinks(host, place.path);
      // kubeadm reads no bundle either, so there is none where none is needed.
      const isAlone = place.in === 'file' && (isComplete || holdsOneCertificate(place.path, node.components));
      const replacement = isAlone ? [certificate] : both;
      return {
        target,
        render: (bytes) => renderTrustLocation(place, bytes ?? new Uint8Array(), old ?? certificate, replacement),
      };
    }),
  );
  if (old === undefined) {
    const target = await followLinks(host, ca.path);
    places.push({ target, render: () => Buffer.from(encodePem('CERTIFICATE', certificate.der), 'latin1') });
  }
  const isOurs = key === undefined || (ca.issuer.ok && isKeyOf(ca.issuer.value.key, certificate));
  if (isOurs) return places;
  const target = await followLinks(host, caKeyPath(ca, node.components));
  return [...places, { target, render: () => Buffer.from(encodePrivateKey(key, usualKeyLabel(key)), 'latin1') }];
}
