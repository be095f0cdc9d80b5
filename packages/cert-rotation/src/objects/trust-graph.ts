import { type Certificate, isSignedBy, nameOf } from '@kube-rescue/x509';
import { fingerprintOf } from './object-report.ts';
import type { ObservedCertificate } from './observed-certificate.ts';

/** One certificate, wherever it is kept, and who vouches for it. */
export interface TrustNode {
  /** SHA-256 in hexadecimal. */
  readonly fingerprint: string;
  readonly certificate: Certificate;
  /** The authorities that signed it, by fingerprint; several when one was issued anew with the same key. */
  readonly signedBy: readonly string[];
  readonly sightings: readonly ObservedCertificate[];
}

/** Who signs whom, and where each is kept. */
export interface TrustGraph {
  readonly nodes: ReadonlyMap<string, TrustNode>;
}

/** Puts together what was seen in files and objects: the same certificate in a thousand places is one node. Pure. */
export function buildTrustGraph(sightings: Iterable<ObservedCertificate>): TrustGraph {
  const seen = new Map<string, ObservedCertificate[]>();
  for (const sighting of sightings) {
    const fingerprint = fingerprintOf(sighting.certificate);
    const same = seen.get(fingerprint);
    if (same === undefined) seen.set(fingerprint, [sighting]);
    else same.push(sighting);
  }
  const bySubject = new Map<string, Certificate[]>();
  for (const [first] of seen.values()) {
    if (first?.certificate.x509.ca !== true) continue;
    const name = nameKey(first.certificate.subjectDer);
    bySubject.set(name, [...(bySubject.get(name) ?? []), first.certificate]);
  }
  const nodes = [...seen].flatMap(([fingerprint, places]) => {
    const certificate = places[0]?.certificate;
    if (certificate === undefined) return [];
    const candidates = bySubject.get(nameKey(certificate.issuerDer)) ?? [];
    const signedBy = candidates.filter((each) => isSignedBy(certificate, each)).map(fingerprintOf);
    return [[fingerprint, { fingerprint, certificate, signedBy, sightings: places }] as const];
  });
  return { nodes: new Map(nodes) };
}

/** For messages: the name and the beginning of the fingerprint, because a rotated authority keeps its name. */
export function describeCa(certificate: Certificate): string {
  return `${nameOf(certificate.x509.subject)} (${fingerprintOf(certificate).slice(0, 8)})`;
}

/** Who signed a certificate, as far as it was seen. */
export function signersOf({ signedBy }: TrustNode, { nodes }: TrustGraph): readonly Certificate[] {
  return signedBy.flatMap((fingerprint) => nodes.get(fingerprint)?.certificate ?? []);
}

function nameKey(name: Uint8Array): string {
  return Buffer.from(name).toString('base64');
}
