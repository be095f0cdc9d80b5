import type { Host } from '@kube-rescue/host';
import { type Certificate, encodePem, encodePrivateKey, isKeyOf, usualKeyLabel } from '@kube-rescue/x509';
import { caKeyPath, holdsOneCertificate } from '../inventory/ca-inventory.ts';
import { signingCertificate } from '../judgement/ca-judgement.ts';
import { followLinks } from '../renewal/file-target.ts';
import type { InspectionInput } from '../inventory/inventory.ts';
import {
  describeUneditable,
  findTrustLocations,
  renderTrustLocation,
  type TrustLocation,
} from '../renewal/trust-locations.ts';
import type { AdoptedCa, Adoption } from './adoption.ts';
import { type CaLocation, findTrustGaps } from './trust-gaps.ts';

interface Deps {
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
  readonly now: Date;
}

/** Files of a node that must trust or hold the adopted CAs; a file can occur more than once. */
export async function findCaLocations(
  { cas, roots }: Adoption,
  node: InspectionInput,
  deps: Deps,
): Promise<readonly CaLocation[]> {
  const exchanged = await Promise.all(cas.map((ca) => findLocations(ca, node, deps)));
  return [...exchanged.flat(), ...(await findTrustGaps(roots, node, deps))];
}

/** Files that hold a CA which the adoption replaces, in a form that cannot be changed; one line each. */
export async function findUneditableCas(
  { cas }: Adoption,
  node: InspectionInput,
  { host }: Pick<Deps, 'host'>,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { ca } of cas) {
    const old = signingCertificate(ca);
    if (old === undefined) continue;
    lines.push(...describeUneditable((await findTrustLocations(old, { ...node, caPath: ca.path }, host)).uneditable));
  }
  return [...new Set(lines)];
}

async function findLocations(
  { ca, certificate, key, isComplete }: AdoptedCa,
  node: InspectionInput,
  { host, now }: Deps,
): Promise<readonly CaLocation[]> {
  const old = signingCertificate(ca);
  const survey = old === undefined ? undefined : await findTrustLocations(old, { ...node, caPath: ca.path }, host);
  const found = survey?.locations ?? [];
  // The old CA stays trusted beside the new one until it expires: its certificates may still be in use.
  const both: readonly Certificate[] = old !== undefined && now <= old.notAfter ? [certificate, old] : [certificate];
  const locations = await Promise.all(
    found.map(async (location: TrustLocation): Promise<CaLocation> => {
      const target = await followLinks(host, location.path);
      // kubeadm reads no bundle either, so a bundle is written only where one is needed.
      const isAlone = location.in === 'file' && (isComplete || holdsOneCertificate(location.path, node.components));
      const replacement = isAlone ? [certificate] : both;
      return {
        target,
        render: (bytes) => renderTrustLocation(location, bytes ?? new Uint8Array(), old ?? certificate, replacement),
      };
    }),
  );
  if (old === undefined) {
    const target = await followLinks(host, ca.path);
    locations.push({ target, render: () => Buffer.from(encodePem('CERTIFICATE', certificate.der), 'latin1') });
  }
  const isOurs = key === undefined || (ca.issuer.ok && isKeyOf(ca.issuer.value.key, certificate));
  if (isOurs) return locations;
  const target = await followLinks(host, caKeyPath(ca, node.components));
  return [...locations, { target, render: () => Buffer.from(encodePrivateKey(key, usualKeyLabel(key)), 'latin1') }];
}
