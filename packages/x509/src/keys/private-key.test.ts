import { describe, expect, it } from 'vitest';
import { parseCertificates } from '../certificate/certificate.ts';
import { KEY_KINDS, type KeyKind, makePair, openOpenSsl } from '../openssl.fixture.ts';
import { describeKey, encodePrivateKey, isKeyOf, isSameKey, parsePrivateKey } from './private-key.ts';

describe('private keys', () => {
  it.each(Object.keys(KEY_KINDS) as KeyKind[])('are matched with their certificate (%s)', (kind) => {
    using openssl = openOpenSsl();
    openssl.run(`genpkey ${KEY_KINDS[kind]} -out a.key`);
    openssl.run(`genpkey ${KEY_KINDS[kind]} -out b.key`);
    openssl.run('req -x509 -new -key a.key -out a.crt -subj /CN=a');
    const [certificate] = parseCertificates(openssl.read('a.crt'), 'a.crt');
    expect(isKeyOf(parsePrivateKey(openssl.read('a.key'), 'a').key, certificate)).toBe(true);
    expect(isKeyOf(parsePrivateKey(openssl.read('b.key'), 'b').key, certificate)).toBe(false);
    expect(describeKey(certificate.x509.publicKey)).toBe(kind);
  });

  it.each([
    ['PKCS#1', 'RSA PRIVATE KEY', 'RSA 2048', 'rsa -traditional -in a.key -out b.key'],
    ['SEC 1 behind its parameters', 'EC PRIVATE KEY', 'ECDSA P-256', 'ec -in a.key -out b.key'],
    ['PKCS#8', 'PRIVATE KEY', 'RSA 2048', 'pkcs8 -topk8 -nocrypt -in a.key -out b.key'],
  ] as const)('are read and written as %s', (_title, label, kind, convert) => {
    using openssl = openOpenSsl();
    openssl.run(`genpkey ${KEY_KINDS[kind]} -out a.key`);
    openssl.run(convert);
    const parameters = label === 'EC PRIVATE KEY' ? openssl.run('ecparam -name prime256v1') : '';
    const read = parsePrivateKey(parameters + openssl.read('b.key'), 'b.key');
    expect(read.label).toBe(label);
    expect(encodePrivateKey(read.key, read.label)).toBe(openssl.read('b.key'));
  });

  it.each([
    ['encrypted as PKCS#8', 'PKI_KEY_ENCRYPTED', 'pkcs8 -topk8 -passout pass:x -in a.key -out b.key'],
    ['encrypted in the old way', 'PKI_KEY_ENCRYPTED', 'rsa -traditional -aes128 -passout pass:x -in a.key -out b.key'],
    ['only a public one', 'PKI_KEY_MISSING', 'pkey -pubout -in a.key -out b.key'],
  ])('are refused by name when %s', (_title, code, convert) => {
    using openssl = openOpenSsl();
    openssl.run(`genpkey ${KEY_KINDS['RSA 2048']} -out a.key`);
    openssl.run(convert);
    const parse = (): unknown => parsePrivateKey(openssl.read('b.key'), '/b.key');
    expect(parse).toThrowError(expect.objectContaining({ code, subject: '/b.key', hint: expect.any(String) }));
  });

  it('are refused by name when their DER is damaged', () => {
    const text = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
    expect(() => parsePrivateKey(text, 'x')).toThrowError(expect.objectContaining({ code: 'PKI_KEY_INVALID' }));
  });
});

it('comparing keys of different kinds does no harm to the next key that is read', () => {
  using openssl = openOpenSsl();
  makePair(openssl, { ca: 'RSA 2048', leaf: 'ECDSA P-256', subject: '/CN=x', extensions: '' });
  const [ca, leaf] = ['ca', 'old'].map((name) => ({
    certificate: parseCertificates(openssl.read(`${name}.crt`), name)[0],
    text: openssl.read(`${name}.key`),
  }));
  if (!ca || !leaf) throw new Error('not made');
  expect(isKeyOf(parsePrivateKey(ca.text, 'x').key, leaf.certificate)).toBe(false);
  expect(isKeyOf(parsePrivateKey(leaf.text, 'x').key, leaf.certificate)).toBe(true);
  expect(isKeyOf(parsePrivateKey(leaf.text, 'x').key, ca.certificate)).toBe(false);
  expect(isSameKey(parsePrivateKey(ca.text, 'x').key, parsePrivateKey(leaf.text, 'x').key)).toBe(false);
  expect(isKeyOf(parsePrivateKey(ca.text, 'x').key, ca.certificate)).toBe(true);
});
