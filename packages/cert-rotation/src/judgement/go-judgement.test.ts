import { createFixedClock } from '@kube-rescue/testing';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openOpenSsl } from '../../../x509/src/openssl.fixture.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { directJournal, kubeadmNode, type Node, NOW, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { createRenewalSteps } from '../renewal/renewal-steps.ts';
import { reportCertificates } from './report.ts';

const { signal } = new AbortController();
const CA = '/etc/kubernetes/pki/ca';
const SERVER = '/etc/kubernetes/pki/apiserver';
const EXTENSIONS = `keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth
subjectAltName=DNS:node01,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:10.96.0.1,IP:10.9.0.11,IP:127.0.0.1
`;

/** A node whose API server certificate OpenSSL made with `genpkey` and `x509` options. */
function nodeWith(key: string, options = '-set_serial 5', extensions = EXTENSIONS): Promise<Node> {
  return kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
    using openssl = openOpenSsl();
    for (const name of ['crt', 'key']) openssl.write(`ca.${name}`, textIn(files, `${CA}.${name}`));
    openssl.write('extensions', extensions);
    openssl.run(`genpkey ${key} -out new.key`);
    openssl.run('req -new -key new.key -subj /CN=kube-apiserver -out new.csr');
    const dates = '-not_before 20260101000000Z -not_after 20270101000000Z';
    const issue = `x509 -req -in new.csr -CA ca.crt -CAkey ca.key -extfile extensions -out new.crt ${options}`;
    try {
      openssl.run(`${issue} ${dates}`);
    } catch {
      // OpenSSL before 3.4 cannot set dates: its clock must be that of the test.
      openssl.run(`${issue} -days 3650`);
    }
    putFile(files, `${SERVER}.crt`, openssl.read('new.crt'), 0o644);
    putFile(files, `${SERVER}.key`, openssl.read('new.key'));
  });
}

const P256 = '-algorithm EC -pkeyopt ec_paramgen_curve:P-256';

async function problemsOf({ input, host }: Node) {
  const rows = reportCertificates(await inspectCertificates(input, { host }), { now: NOW });
  return rows.flatMap(({ id, problems }) => problems.map(({ code, message }) => ({ id, code, message })));
}

async function stepOf({ host, input }: Node) {
  const inventory = await inspectCertificates(input, { host });
  const steps = createRenewalSteps({ inventory }, { host, clock: createFixedClock(NOW) });
  const step = steps.find(({ id }) => id === 'pki/renew/apiserver');
  if (step === undefined) throw new Error('no step for the API server certificate');
  return step;
}

describe('an API server certificate that OpenSSL reads and Go refuses', () => {
  it.each([
    ['a negative serial number', P256, '-set_serial -5', 'PKI_CERTIFICATE_INVALID', /serial number is negative/],
    [
      'a key on brainpoolP256r1',
      '-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1',
      '-set_serial 5',
      'PKI_KEY_UNSUPPORTED',
      /on a curve that Go does not have/,
    ],
    [
      'a key on P-224',
      '-algorithm EC -pkeyopt ec_paramgen_curve:P-224',
      '-set_serial 5',
      'PKI_KEY_UNSUPPORTED',
      /no TLS handshake/,
    ],
    [
      'an RSA-PSS key',
      '-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048',
      '-set_serial 5',
      'PKI_KEY_UNSUPPORTED',
      /of a kind that Go cannot use/,
    ],
    ['an Ed448 key', '-algorithm ED448', '-set_serial 5', 'PKI_KEY_UNSUPPORTED', /of a kind that Go cannot use/],
    ['a signature with SHA-1', P256, '-sha1 -set_serial 5', 'PKI_CERTIFICATE_INVALID', /SHA-1/],
  ])('is a problem and is renewed: %s', async (_title, key, options, code, message) => {
    const node = await nodeWith(key, options);
    expect(await problemsOf(node)).toContainEqual({ id: 'apiserver', code, message: expect.stringMatching(message) });
    const step = await stepOf(node);
    const finding = await step.check(signal);
    expect(finding).toMatchObject({ status: 'needed' });
    await step.apply(step.plan(finding), directJournal(node.host), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    expect(await problemsOf(node)).toEqual([]);
    const { publicKey } = new X509Certificate(await textAt(node.host, `${SERVER}.crt`));
    expect(publicKey.asymmetricKeyType).toBe(code === 'PKI_KEY_UNSUPPORTED' ? 'rsa' : 'ec');
    expect(finding.summary.includes('; it gets a new private key;')).toBe(code === 'PKI_KEY_UNSUPPORTED');
  });

  it.each([
    ['a critical extension', `1.2.3.4=critical,DER:0500\n`, /critical extension/],
    ['a critical key identifier', `subjectKeyIdentifier=critical,hash\n`, /key identifier .* marked critical/],
  ])('blocks its renewal, because the renewal keeps the extensions: %s', async (_title, extension, message) => {
    const node = await nodeWith(P256, '-set_serial 5', EXTENSIONS + extension);
    const finding = await (await stepOf(node)).check(signal);
    expect(finding).toMatchObject({ status: 'blocked', summary: expect.stringMatching(message) });
  });
});

it('a key identifier that names another CA is a warning: Go passes over it, OpenSSL does not', async () => {
  const node = await nodeWith(P256, '-set_serial 5', `${EXTENSIONS}2.5.29.35=DER:3006800401020304\n`);
  const rows = reportCertificates(await inspectCertificates(node.input, { host: node.host }), { now: NOW });
  const chains = rows.flatMap(({ problems }) => problems.filter(({ code }) => code === 'PKI_CHAIN_BROKEN'));
  expect(chains).toMatchObject([
    {
      subject: `${SERVER}.crt`,
      severity: 'warning',
      message: expect.stringMatching(/OpenSSL: .* names another key$/),
    },
  ]);
  expect(await (await stepOf(node)).check(signal)).toMatchObject({ status: 'needed' });
});

describe('a cluster CA with name constraints', () => {
  it('is named with every name that it may not sign, and signs none of them', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['apiserver'] }, (files) => {
      using openssl = openOpenSsl();
      for (const name of ['crt', 'key']) openssl.write(`old.${name}`, textIn(files, `${CA}.${name}`));
      const limits = 'basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;DNS:corp.example\n';
      openssl.write('extensions', limits);
      openssl.run('x509 -in old.crt -signkey old.key -clrext -extfile extensions -days 3650 -out ca.crt');
      putFile(files, `${CA}.crt`, openssl.read('ca.crt'), 0o644);
    });
    const messages = (await problemsOf(node)).filter(({ id }) => id === 'apiserver').map(({ message }) => message);
    expect(messages.join('\n')).toMatch(/kubernetes\.default\.svc/);
    const finding = await (await stepOf(node)).check(signal);
    expect(finding.status).toBe('blocked');
  });
});

describe('a bundle of CAs for etcd', () => {
  it('is refused with a key in it, as etcd reads each block as a certificate', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
      const [path, key] = ['/etc/kubernetes/pki/etcd/ca.crt', '/etc/kubernetes/pki/etcd/ca.key'];
      putFile(files, path, textIn(files, path) + textIn(files, key));
    });
    expect(await problemsOf(node)).toContainEqual({
      id: 'ca/etcd',
      code: 'PKI_PEM_INVALID',
      message: expect.stringContaining('a block that is not a certificate'),
    });
  });
});
