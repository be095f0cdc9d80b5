import { daysUntil, isSameSubject, nameOf } from '@kube-rescue/x509';
import { isTrust } from './object-judgement.ts';
import type { ObservedCertificate } from './observed-certificate.ts';
import { buildTrustGraph, describeCa, signersOf, type TrustGraph, type TrustNode } from './trust-graph.ts';

/** What stops working on a day. Survives JSON. */
export interface ForecastItem {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Whole days from now; negative: it is broken already. */
  readonly daysLeft: number;
  readonly subject: string;
  readonly fingerprint: string;
  /** The places where this matters. */
  readonly places: readonly string[];
  /** For example `the API server is refused by its clients`. */
  readonly consequence: string;
  /** The authority that ends before it does; `null` when it ends by itself. */
  readonly because: string | null;
}

/**
 * What breaks next and when, the first first: certificates that end, those whose authority ends before them, and bundles when
 * the last authority of a name in them ends. Pure.
 */
export function forecastExpiry(sightings: readonly ObservedCertificate[], now: Date): readonly ForecastItem[] {
  const graph = buildTrustGraph(sightings);
  const bundles = Map.groupBy(sightings, ({ where }) => where);
  const items = [...graph.nodes.values()].flatMap((node) => {
    const mattering = node.sightings.filter((sighting) => !isOutlived(sighting, bundles.get(sighting.where) ?? []));
    return [...Map.groupBy(mattering, consequenceOf)].map(([consequence, same]) =>
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
  // An authority that was issued anew with the same key vouches on.
  const [signer] = signersOf(node, graph).toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime());
  const isCutShort = isOwn && signer !== undefined && signer.notAfter < certificate.notAfter;
  const end = isCutShort ? signer.notAfter : certificate.notAfter;
  return {
    at: end.toISOString(),
    daysLeft: daysUntil(end, now),
    subject: nameOf(certificate.x509.subject),
    fingerprint,
    places: [...new Set(same.map(({ where }) => where))],
    consequence,
    because: isCutShort ? describeCa(signer) : null,
  };
}

/** Tells whether another authority of the same name in the same bundle lives longer. */
function isOutlived({ certificate, purpose }: ObservedCertificate, bundle: readonly ObservedCertificate[]): boolean {
  return (
    isTrust(purpose) &&
    bundle.some(({ certificate: other }) => isSameSubject(other, certificate) && other.notAfter > certificate.notAfter)
  );
}

function consequenceOf({ purpose, party, where }: ObservedCertificate): string {
  switch (purpose) {
    case 'api-server-trust':
      return 'pods, nodes and people no longer trust the API server';
    case 'service-trust':
      return `the API server no longer trusts ${party ?? where}`;
    case 'client-trust':
      return 'extensions of the API refuse its clients';
    case 'proxy-trust':
      return 'extensions of the API refuse the API server';
    case 'trust':
      return 'what it signed is no longer trusted';
    case 'identity':
      return `${party ?? 'who presents it'} is refused`;
  }
}
