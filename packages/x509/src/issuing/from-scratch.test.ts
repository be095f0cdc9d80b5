import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openOpenSsl } from '../openssl.fixture.ts';
import { parseCertificate, parseCertificates } from '../certificate/certificate.ts';
import { detailCertificate } from '../certificate/details.ts';
import { encodePem } from '../encoding/pem.ts';
import { encodePrivateKey, isKeyOf, parsePrivateKey } from '../keys/private-key.ts';
import { createCa, createRequestFromScratch, issueFromScratch } from './from-scratch.ts';

const NOW = new Date('2026-11-28T12:00:00Z');
const VALIDITY = { notBefore: new Date('2026-11-28T11:55:00Z'), notAfter: new Date('2055-11-28T12:00:00Z') };
const key = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;

describe('a new CA', () => {
  it('has the shape that kubeadm gives the cluster CA', async () => {
    const ca = await createCa({ commonName: 'kubernetes', key: key(), validity: VALIDITY });
    expect(detailCertificate(ca, NOW)).toMatchObject({
      subject: 'CN=kubernetes',
      issuer: 'CN=kubernetes',
      subjectAltNames: ['DNS:kubernetes'],
      keyUsage: ['digitalSignature', 'keyEncipherment', 'keyCertSign'],
      extendedKeyUsage: [],
      isCaCertificate: true,
      pathLength: null,
      authorityKeyIdentifier: null,
    });
    const critical = ca.extensions.map(({ oid, critical: isCritical }) => [oid, isCritical]);
    expect(critical).toEqual([
      ['551d0f', true],
      ['551d13', true],
      ['551d0e', false],
      ['551d11', false],
    ]);
  });

  it('limits the CAs below it on request, and has no DNS name where its common name is not one', async () => {
    const ca = await createCa({ commonName: 'Ünïcode CA', key: key(), validity: VALIDITY, pathLength: 0 });
    const details = detailCertificate(ca, NOW);
    expect(details).toMatchObject({ subject: 'CN=Ünïcode CA', pathLength: 0, subjectAltNames: [] });
  });
});

describe('a certificate without a template', () => {
  const issuing = async (more: Partial<Parameters<typeof issueFromScratch>[0]> = {}) => {
    const caKey = key();
    const certificate = await createCa({ commonName: 'kubernetes', key: caKey, validity: VALIDITY });
    const leafKey = key();
    const issued = await issueFromScratch({
      subject: { commonName: 'kubernetes-admin', organizations: ['kubeadm:cluster-admins', 'system:masters'] },
      usages: ['client'],
      publicKey: leafKey,
      issuer: { certificate, key: caKey, keySource: 'ca.key' },
      validity: { notBefore: VALIDITY.notBefore, notAfter: NOW },
      ...more,
    });
    return { issued, leafKey, ca: certificate };
  };

  it('has the shape that kubeadm gives its certificates', async () => {
    const { issued, leafKey } = await issuing();
    expect(detailCertificate(issued, NOW)).toMatchObject({
      subject: 'O=kubeadm:cluster-admins, O=system:masters, CN=kubernetes-admin',
      keyUsage: ['digitalSignature', 'keyEncipherment'],
      extendedKeyUsage: ['clientAuth'],
      isCaCertificate: false,
      subjectAltNames: [],
    });
    expect(isKeyOf(leafKey, issued)).toBe(true);
    expect(issued.extensions.map(({ oid, critical }) => [oid, critical])).toEqual([
      ['551d0f', true],
      ['551d25', false],
      ['551d13', true],
      ['551d23', false],
    ]);
  });

  it('takes the name of its issuer byte for byte, however that is encoded', async () => {
    using openssl = openOpenSsl();
    openssl.run('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key');
    openssl.write('odd.cnf', '[req]\nstring_mask=MASK:0x800\ndistinguished_name=dn\nprompt=no\n[dn]\nO=Ödd\nCN=a CA\n');
    openssl.run(
      'req -x509 -new -utf8 -config odd.cnf -key ca.key -out ca.crt -days 9999 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign',
    );
    const [certificate] = parseCertificates(openssl.read('ca.crt'), 'ca.crt');
    // A BMPString, which node-forge would decode and encode differently.
    expect(Buffer.from(certificate.subjectDer).toString('hex')).toContain('1e0600d6');
    const issuer = { certificate, key: parsePrivateKey(openssl.read('ca.key'), 'ca.key').key, keySource: 'ca.key' };
    const { issued } = await issuing({ issuer, names: ['a.example', '192.0.2.1', '2001:db8::1'] });
    expect(Buffer.from(issued.issuerDer).equals(certificate.subjectDer)).toBe(true);
    openssl.write('leaf.crt', encodePem('CERTIFICATE', issued.der));
    expect(openssl.run('verify -x509_strict -no_check_time -CAfile ca.crt leaf.crt')).toContain('OK');
  });

  it('marks its names as critical where it has no subject', async () => {
    const { issued } = await issuing({ subject: { commonName: '' }, names: ['a.example'] });
    expect(issued.extensions.find(({ oid }) => oid === '551d11')?.critical).toBe(true);
  });

  it('is refused without any name, and with a name that is invalid', async () => {
    await expect(issuing({ subject: { commonName: '' } })).rejects.toMatchObject({ code: 'PKI_NAME_INVALID' });
    await expect(issuing({ names: ['10.0.0.1:6443'] })).rejects.toMatchObject({ code: 'PKI_NAME_INVALID' });
  });

  it('is discarded when the key is not that of the CA', async () => {
    const { ca } = await issuing();
    const issuer = { certificate: ca, key: key(), keySource: 'ca.key' };
    await expect(issuing({ issuer })).rejects.toMatchObject({ code: 'PKI_ISSUE_FAILED' });
  });

  it('is not signed with a key of a kind that no CA has', async () => {
    const { privateKey } = generateKeyPairSync('x25519');
    const { ca } = await issuing();
    const issuer = { certificate: ca, key: privateKey, keySource: 'ca.key' };
    await expect(issuing({ issuer })).rejects.toMatchObject({ code: 'PKI_KEY_UNSUPPORTED' });
  });
});

describe('a request without a template', () => {
  it('asks for a CA, for names and for usages, and for no key identifiers', async () => {
    using openssl = openOpenSsl();
    const requestKey = key();
    const der = await createRequestFromScratch({
      subject: { commonName: 'a CA' },
      names: ['a.example'],
      usages: ['server'],
      isCa: true,
      pathLength: 1,
      key: requestKey,
    });
    openssl.write('a.csr', encodePem('CERTIFICATE REQUEST', der));
    openssl.write('a.key', encodePrivateKey(requestKey, 'PRIVATE KEY'));
    const text = openssl.run('req -noout -text -in a.csr');
    expect(text).toContain('CA:TRUE, pathlen:1');
    expect(text).toContain('DNS:a.example');
    expect(text).toContain('TLS Web Server Authentication');
    expect(text).not.toContain('Key Identifier');
    expect(openssl.run('req -pubkey -noout -in a.csr')).toBe(openssl.run('pkey -pubout -in a.key'));
  });
});

it('a public key does as well as a private one', async () => {
  const caKey = key();
  const ca = await createCa({ commonName: 'etcd-ca', key: caKey, validity: VALIDITY });
  const leafKey = key();
  const issued = await issueFromScratch({
    subject: { commonName: 'kube-apiserver-etcd-client' },
    usages: ['client'],
    publicKey: createPublicKey(leafKey),
    issuer: { certificate: ca, key: caKey, keySource: 'ca.key' },
    validity: VALIDITY,
  });
  expect(isKeyOf(leafKey, parseCertificate(issued.der, 'leaf'))).toBe(true);
});
