import { type Certificate, isSameCertificate, isSignedBy, nameOf, namesAddress } from '@kube-rescue/x509';
import { fingerprintOf } from './object-report.ts';
import type { ObservedCertificate } from './observed-certificate.ts';
import { buildTrustGraph, describeCa, signersOf, type TrustGraph } from './trust-graph.ts';

/** Some places trust authorities that did not sign what they are shown. Survives JSON. */
export interface TrustDisagreement {
  readonly code: 'TRUST_API_SERVER' | 'TRUST_SERVICE' | 'TRUST_FRONT_PROXY' | 'TRUST_CLIENT';
  /** For example: `3 Secrets trust CN=kubernetes (1a2b3c4d), but the API server presents a certificate of ...`. */
  readonly message: string;
  /** Where what is trusted is kept. */
  readonly places: readonly string[];
  /** Names and beginnings of fingerprints. */
  readonly trusted: readonly string[];
  /** Where the certificate is kept that they do not trust. */
  readonly presentedAt: string;
  readonly hint: string;
}

interface Presented extends ObservedCertificate {
  /** What comes along with it. */
  readonly chain: readonly Certificate[];
}

interface Bundle {
  readonly where: string;
  readonly kind: string;
  readonly party: string | null;
  readonly purpose: ObservedCertificate['purpose'];
  readonly certificates: readonly Certificate[];
}

const LONGEST_CHAIN = 8;

/**
 * Where trust and what is presented disagree: service accounts and kubeconfigs against the API server, caBundles against
 * their services, `extension-apiserver-authentication` against the front proxy and the clients. Pure.
 *
 * Says nothing about what was not seen: a service whose certificate is in no Secret, an API server of another node.
 */
export function findTrustDisagreements(sightings: readonly ObservedCertificate[]): readonly TrustDisagreement[] {
  const graph = buildTrustGraph(sightings);
  const places = Map.groupBy(sightings, ({ where }) => where);
  const presented = sightings
    .filter(({ purpose }) => purpose === 'identity')
    .map((sighting): Presented => ({ ...sighting, chain: chainOf(places.get(sighting.where) ?? []) }));
  // Ten thousand service accounts that trust the same are judged once.
  return [...Map.groupBy(bundlesOf(places), bundleKey).values()].flatMap((bundles) => {
    const [bundle] = bundles;
    if (bundle === undefined) return [];
    const relevant = presented.filter((each) => isShownTo(each, bundle));
    const refused = relevant.filter((each) => !vouches(bundle.certificates, each));
    // Of several Secrets that could be a service's, nobody knows which it uses.
    const isRefused = bundle.purpose === 'service-trust' ? refused.length === relevant.length : refused.length > 0;
    const [first] = refused;
    return isRefused && first !== undefined ? [describe(bundle, bundles, first, graph)] : [];
  });
}

function bundleKey({ purpose, party, certificates }: Bundle): string {
  return [purpose, party, ...certificates.map(fingerprintOf).toSorted()].join(' ');
}

function isShownTo({ certificate, ids, kind }: Presented, { purpose, party }: Bundle): boolean {
  switch (purpose) {
    case 'api-server-trust':
      return ids.includes('apiserver');
    case 'proxy-trust':
      return ids.includes('front-proxy-client');
    case 'client-trust':
      return ids.includes('admin.conf') || ids.includes('controller-manager.conf');
    case 'service-trust':
      return kind === 'Secret' && party !== null && namesAddress(certificate, party);
    default:
      return false;
  }
}

/** Tells whether an authority of a bundle signed what is presented, directly or through what comes along with it. */
function vouches(bundle: readonly Certificate[], { certificate, chain }: Presented): boolean {
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

function bundlesOf(places: ReadonlyMap<string, readonly ObservedCertificate[]>): readonly Bundle[] {
  return [...places.values()].flatMap((sightings) => {
    const trusted = sightings.filter(({ purpose }) => Object.hasOwn(CODES, purpose));
    const [first] = trusted;
    if (first === undefined) return [];
    const { where, kind, party, purpose } = first;
    return [{ where, kind, party, purpose, certificates: trusted.map(({ certificate }) => certificate) }];
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
  const presenter = by.party ?? first.party ?? by.where;
  const verb = bundles.length === 1 ? 'trusts' : 'trust';
  return {
    code,
    message: `${speakOf(bundles)} ${verb} ${trusted.join(' and ')}, but ${presenter} presents a certificate of ${issuer}`,
    places: bundles.map(({ where }) => where),
    trusted,
    presentedAt: by.where,
    hint:
      code === 'TRUST_SERVICE'
        ? 'put the authority of the service in the caBundle, or have its certificate issued by the one that is there'
        : 'find out which authority is the right one, then sweep the other out of these places',
  };
}

/** `Secret default/a ca.crt`, or `3 Secrets and 1 ConfigMap`. */
function speakOf(bundles: readonly Bundle[]): string {
  if (bundles.length === 1) return bundles[0]?.where ?? '';
  const counts = new Map<string, number>();
  for (const { kind } of bundles) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`).join(' and ');
}
