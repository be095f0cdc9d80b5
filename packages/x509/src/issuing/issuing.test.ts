import { X509Error } from '../errors.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  authorityKeyIdentifier,
  type Certificate,
  parseCertificates,
  subjectKeyIdentifier,
} from '../certificate/certificate.ts';
import { assertLifetime, issueCertificate, planValidity } from './issuing.ts';
import { namesAddress } from '../certificate/extensions.ts';
import { type KeyKind, makePair, openOpenSsl, type OpenSsl } from '../openssl.fixture.ts';
import { encodePem } from '../encoding/pem.ts';
import { encodePrivateKey, generateKeyLike, isKeyOf, parsePrivateKey, publicKeyDerOf } from '../keys/private-key.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const ODD_SUBJECT = '/O=system:masters/OU=one/OU=two+UID=7/CN=Ödd,"name"';
const ODD_EXTENSIONS = `
basicConstraints = critical,CA:FALSE
1.2.3.4.5.6 = ASN1:UTF8String:a policy nobody knows
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth,1.3.6.1.4.1.311.20.2.2
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid,issuer
subjectAltName = critical,URI:spiffe://cluster/ns/a,email:root@example.org,otherName:1.2.3.4;UTF8:odd,DNS:a.example,IP:10.0.0.1,IP:fd00::1,dirName:dn
2.5.29.54 = DER:02:01:00
[dn]
CN = inside
`;
const PLAIN_EXTENSIONS = 'keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\n';

function readPair(openssl: OpenSsl): {
  template: Certificate;
  issuer: Parameters<typeof issueCertificate>[0]['issuer'];
} {
  const [template] = parseCertificates(openssl.read('old.crt'), 'old.crt');
  const [certificate] = parseCertificates(openssl.read('ca.crt'), 'ca.crt');
  const { key } = parsePrivateKey(openssl.read('ca.key'), 'ca.key');
  return { template, issuer: { certificate, key, keySource: 'ca.key' } };
}

function renew(openssl: OpenSsl, more: Partial<Parameters<typeof issueCertificate>[0]> = {}): Certificate {
  const { template, issuer } = readPair(openssl);
  const validity = planValidity(issuer.certificate, new Date(), 365);
  const issued = issueCertificate({ template, issuer, validity, subject: 'new.crt', ...more });
  openssl.write('new.crt', encodePem('CERTIFICATE', issued.der));
  return issued;
}

/** OpenSSL's text of a certificate, without the fields that a renewal changes. */
function unchangedText(openssl: OpenSsl, file: string): string {
  return openssl
    .run(
      `x509 -noout -text -nameopt RFC2253,show_type -certopt no_serial,no_validity,no_sigdump,no_signame -in ${file}`,
    )
    .replace(/X509v3 Authority Key Identifier:.*?(?=X509v3|[\d.]+: |$)/s, '');
}

describe('a renewed certificate', () => {
  it.each([
    ['RSA 2048', 'RSA 2048'],
    ['RSA 3072', 'ECDSA P-256'],
    ['RSA 4096', 'Ed25519'],
    ['ECDSA P-256', 'RSA 3072'],
    ['ECDSA P-384', 'ECDSA P-384'],
    ['Ed25519', 'RSA 4096'],
  ] satisfies [KeyKind, KeyKind][])(
    'is accepted by OpenSSL and keeps every odd attribute (CA %s, leaf %s)',
    (ca, leaf) => {
      using openssl = openOpenSsl();
      makePair(openssl, { ca, leaf, subject: ODD_SUBJECT, extensions: ODD_EXTENSIONS });
      renew(openssl);
      expect(openssl.run('verify -x509_strict -ignore_critical -CAfile ca.crt new.crt')).toContain('new.crt: OK');
      expect(unchangedText(openssl, 'new.crt')).toBe(unchangedText(openssl, 'old.crt'));
      expect(unchangedText(openssl, 'new.crt')).toContain('spiffe://cluster/ns/a');
    },
  );

  it('keeps the bytes of subject, key and every extension but the identifier of its issuer', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'ECDSA P-256', leaf: 'ECDSA P-256', subject: ODD_SUBJECT, extensions: ODD_EXTENSIONS });
    const { template, issuer } = readPair(openssl);
    const issued = renew(openssl);
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    expect(hex(issued.subjectDer)).toBe(hex(template.subjectDer));
    expect(hex(issued.publicKeyDer)).toBe(hex(template.publicKeyDer));
    expect(hex(issued.issuerDer)).toBe(hex(issuer.certificate.subjectDer));
    expect(issued.extensions.map(({ oid }) => oid)).toEqual(template.extensions.map(({ oid }) => oid));
    const others = (certificate: Certificate): string[] =>
      certificate.extensions.filter(({ oid }) => oid !== '551d23').map(({ der }) => hex(der));
    expect(others(issued)).toEqual(others(template));
    expect(authorityKeyIdentifier(issued)).toEqual(subjectKeyIdentifier(issuer.certificate));
  });

  it('names its issuer by the hash of its key when the CA has no identifier', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'RSA 2048', leaf: 'RSA 2048', subject: '/CN=x', extensions: PLAIN_EXTENSIONS });
    const expected = subjectKeyIdentifier(readPair(openssl).issuer.certificate);
    openssl.write(
      'empty.cnf',
      '[req]\ndistinguished_name=dn\n[dn]\n[v3]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\n',
    );
    openssl.run(
      'req -x509 -new -config empty.cnf -extensions v3 -key ca.key -out ca.crt -days 99 -subj /CN=kubernetes',
    );
    expect(subjectKeyIdentifier(readPair(openssl).issuer.certificate)).toBeUndefined();
    expect(authorityKeyIdentifier(renew(openssl))).toEqual(expected);
  });

  it('names a new CA of the same name by its new key', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'RSA 2048', leaf: 'RSA 2048', subject: ODD_SUBJECT, extensions: ODD_EXTENSIONS });
    openssl.write('leaf.crt', openssl.read('old.crt'));
    makePair(openssl, { ca: 'ECDSA P-256', leaf: 'RSA 2048', subject: '/CN=other', extensions: PLAIN_EXTENSIONS });
    const { issuer } = readPair(openssl);
    const [template] = parseCertificates(openssl.read('leaf.crt'), 'leaf.crt');
    expect(authorityKeyIdentifier(renew(openssl, { template }))).toEqual(subjectKeyIdentifier(issuer.certificate));
    expect(openssl.run('verify -x509_strict -ignore_critical -CAfile ca.crt new.crt')).toContain('new.crt: OK');
  });

  it('has a new serial number each time, positive and of at most 20 octets', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'ECDSA P-256', leaf: 'ECDSA P-256', subject: '/CN=x', extensions: PLAIN_EXTENSIONS });
    const serials = Array.from({ length: 50 }, () => renew(openssl).x509.serialNumber);
    expect(new Set(serials).size).toBe(50);
    expect(serials.every((serial) => /^[4-7][0-9A-F]{31}$/.test(serial))).toBe(true);
  });

  it.each(['RSA 3072', 'ECDSA P-384', 'Ed25519'] satisfies KeyKind[])(
    'takes a new key of the same kind (%s)',
    async (leaf) => {
      using openssl = openOpenSsl();
      makePair(openssl, { ca: 'RSA 2048', leaf, subject: '/CN=x', extensions: ODD_EXTENSIONS });
      const { template } = readPair(openssl);
      const key = await generateKeyLike(template.x509.publicKey, 'x');
      const issued = renew(openssl, { publicKeyDer: publicKeyDerOf(key) });
      openssl.write('new.key', encodePrivateKey(key, 'PRIVATE KEY'));
      const bits = (file: string): string | undefined => openssl.run(`pkey -noout -text -in ${file}`).split('\n')[0];
      expect(bits('new.key')).toBe(bits('old.key'));
      expect(openssl.run('pkey -pubout -in new.key')).toBe(openssl.run('x509 -noout -pubkey -in new.crt'));
      expect(isKeyOf(key, template)).toBe(false);
      expect(subjectKeyIdentifier(issued)).not.toEqual(subjectKeyIdentifier(template));
      expect(openssl.run('verify -x509_strict -ignore_critical -CAfile ca.crt new.crt')).toContain('OK');
    },
  );

  it('gains the names and usages that it lacked', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'RSA 2048', leaf: 'RSA 2048', subject: ODD_SUBJECT, extensions: ODD_EXTENSIONS });
    const extraNames = ['b.example', '192.0.2.7', '2001:db8::7', 'a.example'];
    const issued = renew(openssl, { extraNames, extraUsages: ['server', 'client'] });
    const text = openssl.run('x509 -noout -text -in new.crt');
    expect(extraNames.every((name) => namesAddress(issued, name))).toBe(true);
    expect(text.match(/DNS:a\.example/g)).toHaveLength(1);
    expect(text).toContain('spiffe://cluster/ns/a');
    expect(text).toMatch(/Client Authentication, Microsoft Smartcard Login, TLS Web Server Authentication/);
  });

  it('gains the names when it had none at all', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'RSA 2048', leaf: 'RSA 2048', subject: '/CN=x', extensions: PLAIN_EXTENSIONS });
    expect(namesAddress(renew(openssl, { extraNames: ['x.example'] }), 'x.example')).toBe(true);
  });

  it('is discarded when the issuer is not a CA', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'RSA 2048', leaf: 'RSA 2048', subject: '/CN=x', extensions: PLAIN_EXTENSIONS });
    const { template, issuer } = readPair(openssl);
    const wrongIssuer = { ...issuer, key: parsePrivateKey(openssl.read('old.key'), 'old.key').key };
    const issue = (): Certificate =>
      issueCertificate({
        template,
        issuer: wrongIssuer,
        validity: planValidity(issuer.certificate, new Date(), 1),
        subject: 'x',
      });
    expect(issue).toThrowError(expect.objectContaining({ code: 'PKI_ISSUE_FAILED' }));
  });
});

describe('the lifetime of a renewed certificate', () => {
  const year = (text: string): Date => new Date(`${text}-06-01T00:00:00Z`);

  it('is written as a UTCTime to the end of 2049 and as a GeneralizedTime from then on', () => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca: 'ECDSA P-256', leaf: 'ECDSA P-256', subject: '/CN=x', extensions: PLAIN_EXTENSIONS });
    renew(openssl, { validity: { notBefore: year('2049'), notAfter: new Date('2050-01-01T00:00:00Z') } });
    const parsed = openssl.run('asn1parse -in new.crt');
    expect(parsed).toContain('UTCTIME           :490601000000Z');
    expect(parsed).toContain('GENERALIZEDTIME   :20500101000000Z');
  });

  it('never leaves the lifetime of its CA, for any requested lifetime', () => {
    const day = fc.integer({ min: -4000, max: 4000 });
    fc.assert(
      fc.property(day, day, fc.integer({ min: 1, max: 36_500 }), (from, length, days) => {
        const now = year('2026');
        const notBefore = new Date(now.getTime() + from * DAY_MS);
        const notAfter = new Date(notBefore.getTime() + Math.abs(length) * DAY_MS);
        const validity = planValidity({ notBefore, notAfter }, now, days);
        expect(validity.notBefore >= notBefore).toBe(true);
        expect(validity.notAfter <= notAfter).toBe(true);
        expect(validity.clipped).toBe(validity.notAfter.getTime() < now.getTime() + days * DAY_MS);
      }),
    );
  });

  it.each([0, -1, Number.NaN, 36_501, Number.POSITIVE_INFINITY])('cannot be %d days', (days) => {
    expect(() => assertLifetime(days)).toThrowError(X509Error);
  });
});
