import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { issueCertificate, leafExtensions, opensslDate, resignCertificate } from './certificate-signing.ts';
import { runCommand } from '../machine/command.ts';

const deps = { host: createLocalHost(), clock: systemClock };
const PAST = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2021-01-01T00:00:00Z') };
const SUBJECT = '/O=system:masters/O=second/OU=unit/CN=kubernetes-admin';
const NAMES = 'subjectAltName=DNS:node,IP:10.0.0.1,URI:spiffe://a/b,email:a@example.org';

let directory: string;
const at = (name: string): string => path.join(directory, name);
const pem = (name: string): Promise<string> => readFile(at(name), 'utf8');

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'signing-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function makeCa(keyOptions: readonly string[]): Promise<void> {
  await runCommand(deps, [
    ...(['openssl', 'req', '-x509', '-nodes', '-days', '30', '-newkey', ...keyOptions] as const),
    ...['-subj', '/CN=kubernetes', '-keyout', at('ca.key'), '-out', at('ca.crt')],
  ]);
}

async function makeLeaf(keyOptions: readonly string[]): Promise<void> {
  await makeCa(keyOptions);
  await runCommand(deps, [
    ...(['openssl', 'req', '-x509', '-nodes', '-days', '7', '-newkey', ...keyOptions] as const),
    ...['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-subj', SUBJECT, '-addext', NAMES],
    ...['-addext', 'extendedKeyUsage=clientAuth,serverAuth', '-addext', 'keyUsage=critical,digitalSignature'],
    ...['-keyout', at('leaf.key'), '-out', at('leaf.crt')],
  ]);
}

const issuer = () => ({ certificate: hostPath(at('ca.crt')), key: hostPath(at('ca.key')) });

describe('re-signing a certificate with openssl', () => {
  it.each([
    ['RSA', ['rsa:2048']],
    ['ECDSA', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ])('changes the validity and the serial number of an %s leaf, and nothing else', async (_, keyOptions) => {
    await makeLeaf(keyOptions);
    const [certificate, key] = await Promise.all([pem('leaf.crt'), pem('leaf.key')]);
    const old = new X509Certificate(certificate);
    const input = { certificate, key, issuer: issuer(), validity: PAST, workDirectory: hostPath(directory) };
    const resigned = new X509Certificate(await resignCertificate(input, deps));

    expect(resigned.validFromDate).toEqual(PAST.notBefore);
    expect(resigned.validToDate).toEqual(PAST.notAfter);
    expect(resigned.serialNumber).not.toBe(old.serialNumber);
    expect(resigned.subject).toBe(old.subject);
    expect(resigned.subjectAltName).toBe(old.subjectAltName);
    expect(resigned.keyUsage).toEqual(old.keyUsage);
    expect(resigned.publicKey.equals(old.publicKey)).toBe(true);
    expect(resigned.verify(new X509Certificate(await pem('ca.crt')).publicKey)).toBe(true);
  });

  it('backdates a CA; its leaves still verify against it', async () => {
    await makeLeaf(['rsa:2048']);
    const [certificate, key] = await Promise.all([pem('ca.crt'), pem('ca.key')]);
    const validity = { notBefore: PAST.notBefore, notAfter: new Date('2090-01-01T00:00:00Z') };
    const input = { certificate, key, issuer: 'self', validity, workDirectory: hostPath(directory) } as const;
    const ca = new X509Certificate(await resignCertificate(input, deps));

    expect(ca.ca).toBe(true);
    expect(ca.validFromDate).toEqual(PAST.notBefore);
    expect(new X509Certificate(await pem('leaf.crt')).checkIssued(ca)).toBe(true);
  });

  it('removes every copy of a key', async () => {
    await makeLeaf(['rsa:2048']);
    const [certificate, key] = await Promise.all([pem('leaf.crt'), pem('leaf.key')]);
    const input = { certificate, key, issuer: issuer(), validity: PAST, workDirectory: hostPath(directory) };
    await resignCertificate(input, deps);
    expect((await deps.host.list(hostPath(directory))) ?? []).toEqual(['ca.crt', 'ca.key', 'leaf.crt', 'leaf.key']);
  });
});

describe('issuing a client certificate with openssl', () => {
  it('creates an ECDSA key and a certificate with the requested subject', async () => {
    await makeCa(['rsa:2048']);
    const subject = '/O=system:nodes/CN=system:node:cp1';
    const signing = { issuer: issuer(), validity: PAST, workDirectory: hostPath(directory) };
    const input = { subject, keyAlgorithm: 'ECDSA', extensions: leafExtensions(['clientAuth']), ...signing } as const;
    const { certificate, key } = await issueCertificate(input, deps);
    const issued = new X509Certificate(certificate);

    expect(issued.subject).toBe('O=system:nodes\nCN=system:node:cp1');
    expect(issued.publicKey.asymmetricKeyType).toBe('ec');
    expect(key).toContain('EC PRIVATE KEY');
  });
});

describe('the date format of openssl ca', () => {
  it('is UTC with seconds', () => {
    expect(opensslDate(new Date('2026-01-02T03:04:05.678Z'))).toBe('20260102030405Z');
  });
});
