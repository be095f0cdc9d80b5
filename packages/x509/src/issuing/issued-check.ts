import type { Certificate } from '../certificate/certificate.ts';
import { X509Error } from '../errors.ts';
import { describeGoFault, findCertificateFault } from '../go/index.ts';

interface Expectation {
  /** The issuer's certificate; for a self-signed one, the certificate itself. */
  readonly issuer: Certificate;
  readonly validity: { readonly notAfter: Date };
  /** The file of the certificate, for errors. */
  readonly subject: string;
}

/** Certificate dates have whole seconds. */
function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

/**
 * Verifies a new certificate: with OpenSSL the issuer's name and key identifier, the signature and the dates; then by the rules
 * of Go, in which the components are written.
 *
 * @throws X509Error `PKI_ISSUE_FAILED`
 */
export function assertIssued(issued: Certificate, { issuer, validity, subject }: Expectation): void {
  const failure = !issued.x509.checkIssued(issuer.x509)
    ? 'it does not name the CA as its issuer'
    : !issued.x509.verify(issuer.x509.publicKey)
      ? 'its signature does not verify'
      : secondsOf(issued.notAfter) !== secondsOf(validity.notAfter) || issued.notAfter <= issued.notBefore
        ? 'its dates are not those that were requested'
        : findGoFailure(issued);
  if (failure !== undefined) throw issueFailed(`the new certificate was discarded: ${failure}`, subject);
}

/** Why Go cannot parse the new certificate. Limits of the issuer are for the caller, who knows the use. */
function findGoFailure(issued: Certificate): string | undefined {
  const fault = findCertificateFault(issued.der);
  return fault === undefined ? undefined : `the components refuse it: ${describeGoFault(fault)}`;
}

/**
 * Verifies a new self-signed CA certificate with OpenSSL.
 *
 * @throws X509Error `PKI_ISSUE_FAILED`
 */
export function assertSelfSignedCa(issued: Certificate, expectation: Omit<Expectation, 'issuer'>): void {
  assertIssued(issued, { issuer: issued, ...expectation });
  if (!issued.x509.ca) {
    throw issueFailed('the new CA certificate was discarded: it is not the certificate of a CA', expectation.subject);
  }
}

function issueFailed(message: string, subject: string): X509Error {
  return new X509Error({
    code: 'PKI_ISSUE_FAILED',
    message,
    subject,
    hint: 'inspect the certificate of the CA with `openssl x509 -text`',
  });
}
