import type { Certificate } from './certificate.ts';
import { isSignedBy } from './comparison.ts';
import { pathLengthOf } from './details.ts';
import { isSameDer } from '../encoding/der.ts';

/** One certificate after the other, each signed by the next. */
export interface CertificateChain {
  /** The certificate itself first. */
  readonly certificates: readonly Certificate[];
  /** Why the chain is incomplete or forbidden; `undefined` for an allowed chain up to a self-signed certificate. */
  readonly flaw: string | undefined;
}

/** Longer chains do not occur; the limit ends a loop of certificates that sign each other. */
const MAX_LENGTH = 10;

/** A `pathLenConstraint` counts the CAs between it and the leaf that are not self-signed (RFC 5280 section 6.1.4). */
function findForbidden(certificates: readonly Certificate[]): string | undefined {
  for (const [at, certificate] of certificates.entries()) {
    if (at === 0) continue;
    if (!certificate.x509.ca) return `${nameOf(certificate)} is not a CA`;
    const below = certificates.slice(1, at).filter((each) => !isSameDer(each.issuerDer, each.subjectDer)).length;
    if (below > (pathLengthOf(certificate) ?? Number.POSITIVE_INFINITY)) {
      return `${nameOf(certificate)} allows fewer CAs below it (pathLenConstraint)`;
    }
  }
  return undefined;
}

function nameOf({ x509 }: Certificate): string {
  return (x509.subject as string | undefined)?.replaceAll('\n', ', ') ?? 'a certificate without a name';
}

/**
 * Follows a certificate to its root CA, among `known` certificates, by names, key identifiers and signatures. Does not
 * check dates. Takes time in proportion to `known`, regardless of their signatures.
 *
 * @param anchors trusted CAs that are not self-signed. Default: none
 */
export function buildChain(
  certificate: Certificate,
  known: readonly Certificate[],
  anchors: readonly Certificate[] = [],
): CertificateChain {
  const bySubject = Map.groupBy(known, ({ subjectDer }) => Buffer.from(subjectDer).toString('latin1'));
  const certificates = [certificate];
  for (let current = certificate; ; ) {
    const isAnchor = anchors.some(({ der }) => current !== certificate && isSameDer(der, current.der));
    if (isAnchor || isSignedBy(current, current)) return { certificates, flaw: findForbidden(certificates) };
    if (certificates.length >= MAX_LENGTH)
      return { certificates, flaw: `it is longer than ${MAX_LENGTH} certificates` };
    const candidates = bySubject.get(Buffer.from(current.issuerDer).toString('latin1')) ?? [];
    const next = candidates.find((candidate) => isSignedBy(current, candidate));
    if (next === undefined) return { certificates, flaw: `the issuer of ${nameOf(current)} is not known` };
    if (certificates.some((each) => isSameDer(each.der, next.der)))
      return { certificates, flaw: 'its certificates sign each other in a loop' };
    certificates.push(next);
    current = next;
  }
}
