import { type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_KINDS, type KeyKind, makePair, openOpenSsl, type OpenSsl } from '../openssl.fixture.ts';
import { type Certificate, parseCertificates } from '../certificate/certificate.ts';
import type { Usage } from '../certificate/extensions.ts';
import { encodePem } from '../encoding/pem.ts';
import { issueCaWithNewKey, reissueCa } from '../issuing/ca.ts';
import { createCa, createRequestFromScratch, issueFromScratch } from '../issuing/from-scratch.ts';
import { issueCertificate } from '../issuing/issuing.ts';
import { encodePrivateKey, generateKeyLike, parsePrivateKey } from '../keys/private-key.ts';
import { readSigningRequest } from '../request/received-request.ts';
import { createSigningRequest } from '../request/signing-request.ts';
import { readByForge, readByNode, readByOpenSsl, readByUs } from './field-readers.fixture.ts';

const KINDS = ['RSA 2048', 'ECDSA P-256', 'ECDSA P-384', 'Ed25519'] satisfies KeyKind[];
const PAIRS = KINDS.flatMap((ca) => KINDS.map((leaf) => [ca, leaf] as const));
const NOW = Date.now();
const VALIDITY = { notBefore: new Date(NOW - 300_000), notAfter: new Date(NOW + 86_400_000 * 365) };
/** After 2050, when the date format changes. */
const LONG = { ...VALIDITY, notAfter: new Date('2056-01-02T03:04:05Z') };
const KUBEADM = `
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
basicConstraints=critical,CA:FALSE
authorityKeyIdentifier=keyid
subjectAltName=DNS:kubernetes,DNS:node-1,IP:10.96.0.1,IP:fd00::1
`;
const SUBJECT = '/O=system:masters/CN=kube-apiserver';

function makeKey(openssl: OpenSsl, kind: KeyKind, file: string): KeyObject {
  openssl.run(`genpkey ${KEY_KINDS[kind]} -out ${file}`);
  return parsePrivateKey(openssl.read(file), file).key;
}

/** Every reader finds the same fields, and OpenSSL accepts the certificate under its CA. */
function expectAgreement(openssl: OpenSsl, certificate: Certificate, ca: Certificate): void {
  const { der } = certificate;
  const expected = readByOpenSsl(der, openssl);
  expect(readByUs(der)).toMatchObject(expected);
  expect(expected).toMatchObject(readByNode(der));
  expect(readByForge(der)).toEqual(expected);
  openssl.write('ca.pem', encodePem('CERTIFICATE', ca.der));
  openssl.write('leaf.pem', encodePem('CERTIFICATE', der));
  expect(openssl.run('verify -x509_strict -CAfile ca.pem leaf.pem')).toContain('OK');
}

function expectRequest(openssl: OpenSsl, der: Uint8Array): void {
  const pem = encodePem('CERTIFICATE REQUEST', der);
  openssl.write('request.pem', pem);
  openssl.run('req -verify -noout -in request.pem');
}

describe('with a template, byte for byte', () => {
  it.each(PAIRS)('OpenSSL, node:crypto, node-forge and we read the same (CA %s, leaf %s)', async (ca, leaf) => {
    using openssl = openOpenSsl();
    makePair(openssl, { ca, leaf, subject: SUBJECT, extensions: KUBEADM });
    const [template] = parseCertificates(openssl.read('old.crt'), 'old.crt');
    const [certificate] = parseCertificates(openssl.read('ca.crt'), 'ca.crt');
    const { key } = parsePrivateKey(openssl.read('ca.key'), 'ca.key');
    const issuer = { certificate, key, keySource: 'ca.key' };
    const input = { template, issuer, subject: 'new.crt' };
    expectAgreement(openssl, issueCertificate({ ...input, validity: VALIDITY }), certificate);
    expectAgreement(
      openssl,
      issueCertificate({ ...input, validity: LONG, extraNames: ['extra.example'] }),
      certificate,
    );

    const reissued = reissueCa({ template: certificate, key, keySource: 'ca.key', validity: LONG, subject: 'ca.crt' });
    expectAgreement(openssl, reissued, reissued);
    expectAgreement(openssl, template, reissued);
    const nextKey = await generateKeyLike(key, 'ca.key');
    const next = issueCaWithNewKey({ template: certificate, key: nextKey, validity: LONG, subject: 'ca.crt' });
    expectAgreement(openssl, next, next);
    const underNext = { certificate: next, key: nextKey, keySource: 'ca.key' };
    expectAgreement(openssl, issueCertificate({ ...input, issuer: underNext, validity: VALIDITY }), next);

    const leafKey = parsePrivateKey(openssl.read('old.key'), 'old.key').key;
    expectRequest(openssl, createSigningRequest(template, { key: leafKey, extraNames: ['x.example'], source: 'old' }));
  });
});

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/);
const names = fc.uniqueArray(
  fc.oneof(
    fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.')),
    label.map((each) => `*.${each}.example`),
    fc.ipV4(),
    fc.constantFrom('fd00::1', '2001:db8::7:0:1', '::ffff:10.0.0.1'),
  ),
  { maxLength: 5 },
);
/** No characters that a reader escapes in its own way. */
const text = fc.stringMatching(/^[A-Za-zÄöß][A-Za-z0-9:.äÖß -]{0,20}[A-Za-z0-9ß]$/);
const wanted = fc.record({
  subject: fc.record({ commonName: text, organizations: fc.array(text, { maxLength: 3 }) }),
  names,
  usages: fc.subarray<Usage>(['server', 'client']),
});

describe('without a template, by node-forge', () => {
  it.each(PAIRS)('OpenSSL, node:crypto, node-forge and we read the same (CA %s, leaf %s)', async (ca, leaf) => {
    using openssl = openOpenSsl();
    const [caKey, leafKey] = [makeKey(openssl, ca, 'ca.key'), makeKey(openssl, leaf, 'leaf.key')];
    const certificate = await createCa({ commonName: 'kubernetes', key: caKey, validity: LONG });
    expectAgreement(openssl, certificate, certificate);
    const issuer = { certificate, key: caKey, keySource: 'ca.key' };
    await fc.assert(
      fc.asyncProperty(wanted, fc.constantFrom(VALIDITY, LONG), async (input, validity) => {
        const issued = await issueFromScratch({ ...input, publicKey: leafKey, issuer, validity });
        expectAgreement(openssl, issued, certificate);
        const der = await createRequestFromScratch({ ...input, key: leafKey });
        expectRequest(openssl, der);
        if (leaf !== 'Ed25519') {
          expect(readSigningRequest(encodePem('CERTIFICATE REQUEST', der))).toMatchObject(input.subject);
        }
      }),
      { numRuns: 2 },
    );

    const below = await issueFromScratch({
      subject: { commonName: 'a CA below' },
      isCa: true,
      pathLength: 0,
      publicKey: leafKey,
      issuer,
      validity: LONG,
    });
    expectAgreement(openssl, below, certificate);
    openssl.write('key.pem', encodePrivateKey(leafKey, 'PRIVATE KEY'));
    expect(openssl.run('pkey -pubout -in key.pem')).toBe(openssl.run('x509 -noout -pubkey -in leaf.pem'));
  });
});
