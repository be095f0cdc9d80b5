import { type Certificate, isSameCertificate, isSignedBy, nameOf, namesAddress } from '@kube-rescue/x509';
import { fingerprintOf } from './object-report.ts';
import type { ObservedCertificate } from './observed-certificate.ts';
import { buildTrustGraph, describeCa, signersOf, type TrustGraph } from './trust-graph.ts';

/** Locations that trust CAs which did not sign the presented certificate. Survives JSON. */
export interface TrustDisagreement {
  readonly code: 'TRUST_API_SERVER' | 'TRUST_SERVICE' | 'TRUST_FRONT_PROXY' | 'TRUST_CLIENT';
  /** For example: `3 Secrets trust CN=kubernetes (1a2b3c4d), but the API server presents a certificate of ...`. */
  readonly message: string;
  /** The locations of the trusted CAs. */
  readonly locations: readonly string[];
  /** The trusted CAs: name and first 8 digits of the fingerprint. */
  readonly trusted: readonly string[];
  /** The location of the presented certificate. */
  readonly presentedAt: string;
  readonly hint: string;
}

interface Presented extends ObservedCertificate {
  /** The CAs at the same location. */
  readonly chain: readonly Certificate[];
}

interface Bundle {
  readonly where: string;
  readonly kind: string;
  readonly peer: string | null;
  readonly purpose: ObservedCertificate['purpose'];
  readonly certificates: readonly Certificate[];
}

const LONGEST_CHAIN = 8;

/**
 * Finds CAs that do not verify the certificate that their peer presents: service accounts and kubeconfigs against the API server,
 * caBundles against their services, `extension-apiserver-authentication` against the front proxy and the clients. Pure.
 *
 * Does not cover certificates that were not observed: of a service without a Secret, of an API server on another node.
 */
export function findTrustDisagreements(observed: readonly ObservedCertificate[]): readonly TrustDisagreement[] {
  const graph = buildTrustGraph(observed);
  const locations = Map.groupBy(observed, ({ where }) => where);
  const presented = observed
    .filter(({ purpose }) => purpose === 'identity')
    .map((each): Presented => ({ ...each, chain: chainOf(locations.get(each.where) ?? []) }));
  // Ten thousand service accounts with the same bundle are compared once.
  return [...Map.groupBy(bundlesOf(locations), bundleKey).values()].flatMap((bundles) => {
    const [bundle] = bundles;
    if (bundle === undefined) return [];
    const relevant = presented.filter((each) => isPresentedTo(each, bundle));
    const rejected = relevant.filter((each) => !verifies(bundle.certificates, each));
    // Of several Secrets with the name of a service, it is unknown which one the service uses.
    const isRejected = bundle.purpose === 'service-trust' ? rejected.length === relevant.length : rejected.length > 0;
    const [first] = rejected;
    return isRejected && first !== undefined ? [describe(bundle, bundles, first, graph)] : [];
  });
}

function bundleKey({ purpose, peer, certificates }: Bundle): string {
  return [purpose, peer, ...certificates.map(fingerprintOf).toSorted()].join(' ');
}

function isPresentedTo({ certificate, ids, kind }: Presented, { purpose, peer }: Bundle): boolean {
  switch (purpose) {
    case 'api-server-trust':
      return ids.includes('apiserver');
    case 'proxy-trust':
      return ids.includes('front-proxy-client');
    case 'client-trust':
      return ids.includes('admin.conf') || ids.includes('controller-manager.conf');
    case 'service-trust':
      return kind === 'Secret' && peer !== null && namesAddress(certificate, peer);
    default:
      return false;
  }
}

/** Whether a CA of a bundle signed the presented certificate, directly or through its chain. */
function verifies(bundle: readonly Certificate[], { certificate, chain }: Presented): boolean {
  let reached = [certificate];
  for (let depth = 0; depth < LONGEST_CHAIN && reached.length > 0; depth += 1) {
    const isTrusted = (each: Certificate): boolean =>
      bundle.some((ca) => isSameCertificate(ca, each) || isSignedBy(each, ca));
    if (reached.some(isTrusted)) return true;
    reached = chain.filter((next) => !reached.includes(next) && reached.some((each) => isSignedBy(each, next)));
  }
  return false;
}

function chainOf(companions: readonly ObservedCertificate[]): readonly Certificate[] {
  return companions.filter(({ purpose }) => purpose === 'trust').map(({ certificate }) => certificate);
}

function bundlesOf(locations: ReadonlyMap<string, readonly ObservedCertificate[]>): readonly Bundle[] {
  return [...locations.values()].flatMap((observed) => {
    const trusted = observed.filter(({ purpose }) => Object.hasOwn(CODES, purpose));
    const [first] = trusted;
    if (first === undefined) return [];
    const { where, kind, peer, purpose } = first;
    return [{ where, kind, peer, purpose, certificates: trusted.map(({ certificate }) => certificate) }];
  });
}

const CODES = {
  'api-server-trust': 'TRUST_API_SERVER',
  'proxy-trust': 'TRUST_FRONT_PROXY',
  'client-trust': 'TRUST_CLIENT',
  'service-trust': 'TRUST_SERVICE',
} as const;

function describe(first: Bundle, bundles: readonly Bundle[], by: Presented, graph: TrustGraph): TrustDisagreement {
  const code = CODES[first.purpose as keyof typeof CODES];
  const trusted = first.certificates.map(describeCa);
  const node = graph.nodes.get(fingerprintOf(by.certificate));
  const signer = node === undefined ? undefined : signersOf(node, graph)[0];
  const issuer = signer === undefined ? nameOf(by.certificate.x509.issuer) : describeCa(signer);
  const presenter = by.peer ?? first.peer ?? by.where;
  const verb = bundles.length === 1 ? 'trusts' : 'trust';
  return {
    code,
    message: `${countOf(bundles)} ${verb} ${trusted.join(' and ')}, but ${presenter} presents a certificate of ${issuer}`,
    locations: bundles.map(({ where }) => where),
    trusted,
    presentedAt: by.where,
    hint:
      code === 'TRUST_SERVICE'
        ? 'put the CA of the service into the caBundle, or reissue the service certificate with the CA in the caBundle'
        : 'find out which CA is current, then replace the other in these locations',
  };
}

/** `Secret default/a ca.crt`, or `3 Secrets and 1 ConfigMap`. */
function countOf(bundles: readonly Bundle[]): string {
  if (bundles.length === 1) return bundles[0]?.where ?? '';
  const counts = new Map<string, number>();
  for (const { kind } of bundles) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`).join(' and ');
}
