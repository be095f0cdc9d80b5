import { decodeKubeconfig, readKubeconfigTrust } from '@kube-rescue/node-config';
import type { Host, HostPath } from '@kube-rescue/host';
import { type Certificate, parseCertificates } from '@kube-rescue/x509';
import type { CertificateId } from '../inventory/catalogue.ts';
import type { CertificateInventory } from '../inventory/inventory.ts';
import { attempt } from '../inventory/reading.ts';
import type { CertificatePurpose } from './object-fields.ts';
import type { ObjectFinding } from './object-inventory.ts';
import { describeLocation } from './object-location.ts';

/** A certificate where it was seen, in a file or in an object. */
export interface ObservedCertificate {
  readonly certificate: Certificate;
  readonly purpose: CertificatePurpose;
  /** One line: a path, or `Secret default/tls tls.crt`; the same for all certificates of one bundle. */
  readonly where: string;
  /** Kind of place, to speak of many at once: `Secret`, `ConfigMap`, `file`, `kubeconfig`. */
  readonly kind: string;
  /** What it is on this node; `null` for what is not of the catalogue. */
  readonly ids: readonly CertificateId[];
  /** Who presents it, or is judged by it: `the API server`, `web.default.svc`; `null` when nobody is known. */
  readonly party: string | null;
}

/** What was seen in the cluster's objects. */
export function observedCertificateOf(finding: ObjectFinding): readonly ObservedCertificate[] {
  if (finding.found !== 'certificate') return [];
  const { certificate, purpose, place, service } = finding;
  const party = purpose === 'api-server-trust' ? API_SERVER : service;
  const where = describeLocation({ ...place, index: null });
  return [{ certificate, purpose, where, kind: place.kind, ids: [], party }];
}

const API_SERVER = 'the API server';

/** What was seen on a node. What cannot be read was not seen. */
export function observedCertificatesOf(
  inventory: Pick<CertificateInventory, 'certificates' | 'cas'>,
): readonly ObservedCertificate[] {
  const certificates = inventory.certificates.flatMap(({ certificate, certificatePlace, definition, ...entry }) => {
    if (!certificate.ok) return [];
    const { path: where, in: kind } = certificatePlace;
    const ids = [entry.id, ...entry.alsoServesAs];
    const party = ids.includes('apiserver') ? API_SERVER : definition.name;
    return [{ certificate: certificate.value, purpose: 'identity', where, kind, ids, party } as const];
  });
  const cas = inventory.cas.flatMap(({ bundle, path: where }) => {
    const trusted = bundle.ok ? bundle.value : [];
    const traits = { purpose: 'trust', where, kind: 'file', ids: [], party: null } as const;
    return trusted.map((certificate) => ({ ...traits, certificate }));
  });
  return [...certificates, ...cas];
}

/** What kubeconfigs judge the API server by, embedded or in the files that they name. What cannot be read was not seen. */
export async function inspectKubeconfigTrust(
  paths: readonly HostPath[],
  { host }: { readonly host: Pick<Host, 'readFile'> },
): Promise<readonly ObservedCertificate[]> {
  const seen = paths.map(async (path) => {
    const trusted = await attempt(async () => {
      const bytes = await host.readFile(path);
      const trusts = bytes === undefined ? [] : readKubeconfigTrust(decodeKubeconfig(bytes, path), path);
      const texts = trusts.map(async (trust) =>
        trust.in === 'kubeconfig'
          ? trust.text
          : Buffer.from((await host.readFile(trust.path)) ?? []).toString('latin1'),
      );
      return (await Promise.all(texts)).flatMap((text) => parseCertificates(text, path));
    });
    const traits = { where: path, kind: 'kubeconfig', ids: [], party: API_SERVER } as const;
    return (trusted.ok ? trusted.value : []).map((certificate): ObservedCertificate => {
      return { ...traits, certificate, purpose: 'api-server-trust' };
    });
  });
  return (await Promise.all(seen)).flat();
}
