import { toRfc3339 } from '@kube-rescue/errors';
import { daysUntil, isSameSubject, nameOf } from '@kube-rescue/x509';
import { isTrust } from './object-judgement.ts';
import type { ObservedCertificate } from './observed-certificate.ts';
import { buildTrustGraph, describeCa, signersOf, type TrustGraph, type TrustNode } from './trust-graph.ts';

/** An expiration and its consequence. Survives JSON. */
export interface ForecastItem {
  /** RFC 3339. */
  readonly at: string;
  /** Whole days from now; negative: already expired. */
  readonly daysLeft: number;
  readonly subject: string;
  readonly fingerprint: string;
  /** The locations of the certificate with this consequence. */
  readonly locations: readonly string[];
  /** For example `the API server is rejected`. */
  readonly consequence: string;
  /** The issuing CA that expires before the certificate; `null` if the certificate expires first. */
  readonly because: string | null;
}

/**
 * Forecasts expirations and their consequences, the earliest first: certificates that expire, certificates whose CA expires
 * first, and bundles when their last CA of a name expires. Pure.
 */
export function forecastExpiry(observed: readonly ObservedCertificate[], now: Date): readonly ForecastItem[] {
  const graph = buildTrustGraph(observed);
  const bundles = Map.groupBy(observed, ({ where }) => where);
  const items = [...graph.nodes.values()].flatMap((node) => {
    const relevant = node.observed.filter((each) => !isOutlived(each, bundles.get(each.where) ?? []));
    return [...Map.groupBy(relevant, consequenceOf)].map(([consequence, same]) =>
      itemOf(node, { consequence, same, graph, now }),
    );
  });
  return items.toSorted((a, b) => a.at.localeCompare(b.at) || a.consequence.localeCompare(b.consequence));
}

function itemOf(
  node: TrustNode,
  {
    consequence,
    same,
    graph,
    now,
  }: {
    readonly consequence: string;
    readonly same: readonly ObservedCertificate[];
    readonly graph: TrustGraph;
    readonly now: Date;
  },
): ForecastItem {
  const { certificate, fingerprint } = node;
  const isOwn = same.some(({ purpose }) => purpose === 'identity');
  // A CA that was reissued with the same key still signs for it.
  const [signer] = signersOf(node, graph).toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime());
  const expiresWithCa = isOwn && signer !== undefined && signer.notAfter < certificate.notAfter;
  const end = expiresWithCa ? signer.notAfter : certificate.notAfter;
  return {
    at: toRfc3339(end),
    daysLeft: daysUntil(end, now),
    subject: nameOf(certificate.x509.subject),
    fingerprint,
    locations: [...new Set(same.map(({ where }) => where))],
    consequence,
    because: expiresWithCa ? describeCa(signer) : null,
  };
}

/** Whether another CA of the same name in the same bundle expires later. */
function isOutlived({ certificate, purpose }: ObservedCertificate, bundle: readonly ObservedCertificate[]): boolean {
  return (
    isTrust(purpose) &&
    bundle.some(({ certificate: other }) => isSameSubject(other, certificate) && other.notAfter > certificate.notAfter)
  );
}

function consequenceOf({ purpose, peer, where }: ObservedCertificate): string {
  switch (purpose) {
    case 'api-server-trust':
      return 'pods, nodes and users no longer trust the API server';
    case 'service-trust':
      return `the API server no longer trusts ${peer ?? where}`;
    case 'client-trust':
      return 'extension API servers reject its clients';
    case 'proxy-trust':
      return 'extension API servers reject the API server';
    case 'trust':
      return 'certificates that it signed are no longer trusted';
    case 'identity':
      return `${peer ?? 'the holder'} is rejected`;
  }
}
