import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openOpenSsl } from '../openssl.fixture.ts';
import { findCaLimits } from '../certificate/ca-limits.ts';
import { parseCertificate } from '../certificate/certificate.ts';
import { findCertificateFault, findVerificationFault, readGoCertificate } from './index.ts';

/** A self-signed CA with an extension, in OpenSSL's syntax. */
function issueCa(extension: string): Buffer {
  using openssl = openOpenSsl();
  openssl.write('ca.cnf', `[req]\ndistinguished_name=dn\n[dn]\n[e]\nbasicConstraints=critical,CA:TRUE\n${extension}\n`);
  openssl.run('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key');
  openssl.run('req -x509 -new -key ca.key -days 100 -subj /CN=kubernetes -config ca.cnf -extensions e -out ca.crt');
  return new X509Certificate(openssl.read('ca.crt')).raw;
}

describe('a certificate that a Kubernetes of an older Go refuses', () => {
  it.each([
    'policyConstraints=critical,requireExplicitPolicy:0',
    'inhibitAnyPolicy=critical,0',
    'policyMappings=critical,1.2.3:1.2.4',
  ])('is refused as a CA: critical policies, which Go before 1.24 does not evaluate (%s)', (extension) => {
    const der = issueCa(extension);
    const ca = readGoCertificate(der);
    expect(findVerificationFault({ leaf: ca, roots: [ca], usages: ['client'] })).toMatchObject({
      rule: 'critical-extension',
    });
    expect(findCaLimits(parseCertificate(der, 'ca.crt'))).toMatchObject([{ isRefused: true }]);
  });

  it('is read with the same extensions when they are not critical', () => {
    const der = issueCa('policyConstraints=requireExplicitPolicy:0');
    expect(findCaLimits(parseCertificate(der, 'ca.crt'))).toEqual([]);
    const ca = readGoCertificate(der);
    expect(findVerificationFault({ leaf: ca, roots: [ca], usages: ['client'] })).toBeUndefined();
  });

  it('is refused with a policy number that Go before 1.22 does not read', () => {
    expect(findCertificateFault(issueCa('certificatePolicies=1.2.2147483647'))).toBeUndefined();
    expect(findCertificateFault(issueCa('certificatePolicies=1.2.99999999999'))).toEqual({
      rule: 'policies-malformed',
    });
  });
});
