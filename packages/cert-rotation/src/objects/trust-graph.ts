import { type Certificate, isSignedBy, nameOf } from '@kube-rescue/x509';
import { fingerprintOf } from './object-report.ts';
import type { ObservedCertificate } from './observed-certificate.ts';

/** One certificate, all its locations, and its issuing CAs. */
export interface TrustNode {
  /** SHA-256 in hexadecimal. */
  readonly fingerprint: string;
  readonly certificate: Certificate;
  /** The CAs that signed it, by fingerprint; several when a CA was reissued with the same key. */
  readonly signedBy: readonly string[];
  readonly observed: readonly ObservedCertificate[];
}

/** Certificates, their locations and their issuing CAs. */
export interface TrustGraph {
  readonly nodes: ReadonlyMap<string, TrustNode>;
}

/** Joins the observed certificates of files and objects: one certificate in a thousand locations is one node. Pure. */
export function buildTrustGraph(observed: Iterable<ObservedCertificate>): TrustGraph {
  const byFingerprint = new Map<string, ObservedCertificate[]>();
  for (const each of observed) {
    const fingerprint = fingerprintOf(each.certificate);
    const same = byFingerprint.get(fingerprint);
    if (same === undefined) byFingerprint.set(fingerprint, [each]);
    else same.push(each);
  }
  const bySubject = new Map<string, Certificate[]>();
  for (const [first] of byFingerprint.values()) {
    if (first?.certificate.x509.ca !== true) continue;
    const name = nameKey(first.certificate.subjectDer);
    bySubject.set(name, [...(bySubject.get(name) ?? []), first.certificate]);
  }
  const nodes = [...byFingerprint].flatMap(([fingerprint, locations]) => {
    const certificate = locations[0]?.certificate;
    if (certificate === undefined) return [];
    const candidates = bySubject.get(nameKey(certificate.issuerDer)) ?? [];
    const signedBy = candidates.filter((each) => isSignedBy(certificate, each)).map(fingerprintOf);
    return [[fingerprint, { fingerprint, certificate, signedBy, observed: locations }] as const];
  });
  return { nodes: new Map(nodes) };
}

/** For messages: the name and the beginning of the fingerprint, because a rotated CA keeps its name. */
export function describeCa(certificate: Certificate): string {
  return `${nameOf(certificate.x509.subject)} (${fingerprintOf(certificate).slice(0, 8)})`;
}

/** The observed CAs that signed a certificate. */
export function signersOf({ signedBy }: TrustNode, { nodes }: TrustGraph): readonly Certificate[] {
  return signedBy.flatMap((fingerprint) => nodes.get(fingerprint)?.certificate ?? []);
}

function nameKey(name: Uint8Array): string {
  return Buffer.from(name).toString('base64');
}
