import { decodeKubeconfig, readKubeconfigTrust } from '@kube-rescue/node-config';
import type { Host, HostPath } from '@kube-rescue/host';
import { type Certificate, parseCertificates } from '@kube-rescue/x509';
import type { CertificateId } from '../inventory/catalogue.ts';
import type { CertificateInventory } from '../inventory/inventory.ts';
import { attempt } from '../inventory/reading.ts';
import type { CertificatePurpose } from './object-fields.ts';
import type { ObjectFinding } from './object-inventory.ts';
import { describeLocation } from './object-location.ts';

/** A certificate as observed in one file or object. */
export interface ObservedCertificate {
  readonly certificate: Certificate;
  readonly purpose: CertificatePurpose;
  /** One line: a path, or `Secret default/tls tls.crt`; the same for all certificates of one bundle. */
  readonly where: string;
  /** Kind of location, to count them: `Secret`, `ConfigMap`, `file`, `kubeconfig`. */
  readonly kind: string;
  /** The IDs of the certificate on this node; empty for one outside the catalogue. */
  readonly ids: readonly CertificateId[];
  /** The peer that presents it or is verified with it: `the API server`, `web.default.svc`; `null` if unknown. */
  readonly peer: string | null;
}

/** The observed certificate of a finding in the cluster's objects; empty for other findings. */
export function observedCertificateOf(finding: ObjectFinding): readonly ObservedCertificate[] {
  if (finding.found !== 'certificate') return [];
  const { certificate, purpose, location, service } = finding;
  const peer = purpose === 'api-server-trust' ? API_SERVER : service;
  const where = describeLocation({ ...location, index: null });
  return [{ certificate, purpose, where, kind: location.kind, ids: [], peer }];
}

const API_SERVER = 'the API server';

/** The observed certificates of a node, without unreadable ones. */
export function observedCertificatesOf(
  inventory: Pick<CertificateInventory, 'certificates' | 'cas'>,
): readonly ObservedCertificate[] {
  const certificates = inventory.certificates.flatMap(({ certificate, certificateLocation, definition, ...entry }) => {
    if (!certificate.ok) return [];
    const { path: where, in: kind } = certificateLocation;
    const ids = [entry.id, ...entry.alsoServesAs];
    const peer = ids.includes('apiserver') ? API_SERVER : definition.name;
    return [{ certificate: certificate.value, purpose: 'identity', where, kind, ids, peer } as const];
  });
  const cas = inventory.cas.flatMap(({ bundle, path: where }) => {
    const trusted = bundle.ok ? bundle.value : [];
    const traits = { purpose: 'trust', where, kind: 'file', ids: [], peer: null } as const;
    return trusted.map((certificate) => ({ ...traits, certificate }));
  });
  return [...certificates, ...cas];
}

/** The CAs that kubeconfigs trust, embedded or by file name, without unreadable ones. */
export async function inspectKubeconfigTrust(
  paths: readonly HostPath[],
  { host }: { readonly host: Pick<Host, 'readFile'> },
): Promise<readonly ObservedCertificate[]> {
  const observed = paths.map(async (path) => {
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
    const traits = { where: path, kind: 'kubeconfig', ids: [], peer: API_SERVER } as const;
    return (trusted.ok ? trusted.value : []).map((certificate): ObservedCertificate => {
      return { ...traits, certificate, purpose: 'api-server-trust' };
    });
  });
  return (await Promise.all(observed)).flat();
}
