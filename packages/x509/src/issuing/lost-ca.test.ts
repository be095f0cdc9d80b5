import { describe, expect, it } from 'vitest';
import { KEY_KINDS, type KeyKind, makePair, openOpenSsl } from '../openssl.fixture.ts';
import { parseCertificate, parseCertificates } from '../certificate/certificate.ts';
import { isSameSubject, isSelfSigned, isSignedBy, isSignedWith } from '../certificate/comparison.ts';
import { detailCertificate } from '../certificate/details.ts';
import { encodePem } from '../encoding/pem.ts';
import { isKeyOf, parsePrivateKey } from '../keys/private-key.ts';
import { issueLostCa } from './lost-ca.ts';

const VALIDITY = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2099-01-01T00:00:00Z') };
const LEAF = { leaf: 'ECDSA P-256', subject: '/CN=leaf' } as const;

describe('a CA certificate that is issued again for a leaf', () => {
  it.each(Object.keys(KEY_KINDS) as KeyKind[])('verifies the leaf by OpenSSL, byte for byte by its name (%s)', (ca) => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca, ...LEAF, extensions: 'authorityKeyIdentifier=keyid' });
    const [leaf] = parseCertificates(openssl.read('old.crt'), 'old.crt');
    const [lost] = parseCertificates(openssl.read('ca.crt'), 'ca.crt');
    const { key } = parsePrivateKey(openssl.read('ca.key'), 'ca.key');
    const issued = issueLostCa({ leaf, key, keySource: 'ca.key', validity: VALIDITY, subject: 'ca.crt' });
    openssl.write('new.crt', encodePem('CERTIFICATE', issued.der));
    expect(openssl.run('verify -CAfile new.crt old.crt')).toContain('OK');
    expect([isSameSubject(issued, lost), isKeyOf(key, issued), isSelfSigned(issued)]).toEqual([true, true, true]);
    expect(detailCertificate(issued, VALIDITY.notBefore)).toMatchObject({ isCaCertificate: true, pathLength: null });
  });

  it('has the key identifier that the leaf names, which need not be of SHA-1', () => {
    using openssl = openOpenSsl();
    openssl.run(`genpkey ${KEY_KINDS['ECDSA P-256']} -out ca.key`);
    const extensions = ['-addext', 'subjectKeyIdentifier=0a:0b:0c', '-addext', 'basicConstraints=critical,CA:TRUE'];
    openssl.run('req -x509 -new -key ca.key -out ca.crt -days 3650 -subj', '/CN=etcd-ca', ...extensions);
    openssl.run(`genpkey ${KEY_KINDS['ECDSA P-256']} -out old.key`);
    openssl.run('req -new -key old.key -out old.csr -subj /CN=leaf');
    openssl.write('extensions', 'authorityKeyIdentifier=keyid');
    openssl.run(
      'x509 -req -in old.csr -CA ca.crt -CAkey ca.key -days 30 -set_serial 7 -extfile extensions -out old.crt',
    );
    const [leaf] = parseCertificates(openssl.read('old.crt'), 'old.crt');
    const { key } = parsePrivateKey(openssl.read('ca.key'), 'ca.key');
    const issued = issueLostCa({ leaf, key, keySource: 'ca.key', validity: VALIDITY, subject: 'ca.crt' });
    expect(detailCertificate(issued, VALIDITY.notBefore)).toMatchObject({ subjectKeyIdentifier: '0a0b0c' });
    expect(isSignedBy(leaf, parseCertificate(issued.der, 'ca.crt'))).toBe(true);
  });

  it('is refused for a leaf that another key signed', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'ECDSA P-256', ...LEAF, extensions: 'authorityKeyIdentifier=keyid' });
    const [leaf] = parseCertificates(openssl.read('old.crt'), 'old.crt');
    const { key } = parsePrivateKey(openssl.read('old.key'), 'old.key');
    expect(isSignedWith(leaf, key)).toBe(false);
    expect(() => issueLostCa({ leaf, key, keySource: 'ca.key', validity: VALIDITY, subject: 'ca.crt' })).toThrow(
      /its signature does not verify/,
    );
  });
});
