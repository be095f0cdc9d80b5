import { createFixedClock } from '@kube-rescue/testing';
import {
  type Certificate,
  createCa,
  encodePem,
  encodePrivateKey,
  generateKey,
  issueFromScratch,
  parseCertificates,
  parsePrivateKey,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inspectCertificates } from '../inventory/inventory.ts';
import { directJournal, kubeadmNode, type Node, NOW, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { createRenewalSteps } from '../renewal/renewal-steps.ts';
import { reportCertificates } from './report.ts';

type Edit = NonNullable<Parameters<typeof kubeadmNode>[1]>;
type Files = Parameters<Edit>[0];

const { signal } = new AbortController();
const PKI = '/etc/kubernetes/pki';
const YEAR = 365 * 24 * 60 * 60 * 1000;
const VALID = { notBefore: new Date(NOW.getTime() - YEAR), notAfter: new Date(NOW.getTime() + YEAR) };
const PAST = { notBefore: new Date(NOW.getTime() - 2 * YEAR), notAfter: new Date('2026-02-01T00:00:00Z') };
const FUTURE = { notBefore: new Date('2026-04-01T00:00:00Z'), notAfter: new Date(NOW.getTime() + 2 * YEAR) };
const KUBERNETES = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];
const NAMES = ['node01', 'localhost', ...KUBERNETES, '10.96.0.1', '10.9.0.11', '127.0.0.1'];

interface Signer {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

const pem = (...certificates: readonly { readonly der: Uint8Array }[]): string =>
  certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join('');

function signerOf(files: Files, path: string): Signer {
  const [certificate] = parseCertificates(textIn(files, `${path}.crt`), path);
  return { certificate, key: parsePrivateKey(textIn(files, `${path}.key`), path).key };
}

async function root(commonName = 'kubernetes', validity = VALID, key?: KeyObject): Promise<Signer> {
  const own = key ?? (await generateKey('ecdsa-p256'));
  return { certificate: await createCa({ commonName, key: own, validity }), key: own };
}

async function below(issuer: Signer, commonName: string, validity = VALID, pathLength?: number): Promise<Signer> {
  const key = await generateKey('ecdsa-p256');
  const certificate = await issueFromScratch({
    subject: { commonName },
    isCa: true,
    pathLength,
    publicKey: key,
    issuer: { ...issuer, keySource: 'memory' },
    validity,
  });
  return { certificate, key };
}

interface Leaf {
  readonly commonName: string;
  readonly usages: readonly ('server' | 'client')[];
  readonly names?: readonly string[];
}

const API_SERVER: Leaf = { commonName: 'kube-apiserver', usages: ['server'], names: NAMES };

/** Writes a leaf of `issuer`, and `behind` it, to a pair of files. */
async function putLeaf(files: Files, path: string, leaf: Leaf, issuer: Signer, ...behind: readonly Signer[]) {
  const key = await generateKey('ecdsa-p256');
  const { commonName, ...rest } = leaf;
  const certificate = await issueFromScratch({
    ...rest,
    subject: { commonName },
    publicKey: key,
    issuer: { ...issuer, keySource: 'memory' },
    validity: VALID,
  });
  putFile(files, `${path}.crt`, pem(certificate, ...behind.map((each) => each.certificate)), 0o644);
  putFile(files, `${path}.key`, encodePrivateKey(key, 'PRIVATE KEY'));
}

const putServer = (files: Files, issuer: Signer, ...behind: readonly Signer[]) =>
  putLeaf(files, `${PKI}/apiserver`, API_SERVER, issuer, ...behind);

/** Puts certificates into a CA file, in this order. */
function putBundle(files: Files, path: string, ...cas: readonly Signer[]): void {
  putFile(files, path, pem(...cas.map(({ certificate }) => certificate)), 0o644);
}

const nodeWith = (edit: Edit): Promise<Node> => kubeadmNode({ algorithm: 'ecdsa' }, edit);

async function problemsOf({ host, input }: Node) {
  const rows = reportCertificates(await inspectCertificates(input, { host }), { now: NOW });
  return rows.flatMap(({ id, problems }) => problems.map((each) => ({ id, ...each })));
}

describe('a chain that every component accepts', () => {
  it.each<[string, Edit]>([
    [
      'over an intermediate CA behind the certificate',
      async (files) => {
        const intermediate = await below(signerOf(files, `${PKI}/ca`), 'intermediate');
        await putServer(files, intermediate, intermediate);
      },
    ],
    [
      'over two intermediate CAs in the wrong order',
      async (files) => {
        const upper = await below(signerOf(files, `${PKI}/ca`), 'upper');
        const lower = await below(upper, 'lower');
        await putServer(files, lower, upper, lower);
      },
    ],
    [
      'over an intermediate CA that only the CA file has',
      async (files) => {
        const ca = signerOf(files, `${PKI}/ca`);
        const intermediate = await below(ca, 'intermediate');
        putBundle(files, `${PKI}/ca.crt`, ca, intermediate);
        await putServer(files, intermediate);
      },
    ],
    [
      'with the root CA behind the certificate too',
      async (files) => {
        const ca = signerOf(files, `${PKI}/ca`);
        await putServer(files, ca, ca);
      },
    ],
    [
      'beside an expired CA of the same name that signed nothing',
      async (files) => putBundle(files, `${PKI}/ca.crt`, await root('kubernetes', PAST), signerOf(files, `${PKI}/ca`)),
    ],
    [
      'beside the expired certificate of its own CA, reissued with the same key',
      async (files) => {
        const ca = signerOf(files, `${PKI}/ca`);
        putBundle(files, `${PKI}/ca.crt`, await root('kubernetes', PAST, ca.key), ca);
      },
    ],
    [
      'of a CA that the trusted one has cross-signed',
      async (files) => {
        const ca = signerOf(files, `${PKI}/ca`);
        const other = await root('other');
        const crossSigned = await issueFromScratch({
          subject: { commonName: 'other' },
          isCa: true,
          publicKey: other.key,
          issuer: { ...ca, keySource: 'memory' },
          validity: VALID,
        });
        await putServer(files, other, { certificate: crossSigned, key: other.key });
      },
    ],
    [
      'of etcd, over an intermediate CA',
      async (files) => {
        const intermediate = await below(signerOf(files, `${PKI}/etcd/ca`), 'etcd-intermediate');
        const leaf: Leaf = {
          commonName: 'node01',
          usages: ['server', 'client'],
          names: ['node01', 'localhost', '10.9.0.11', '127.0.0.1'],
        };
        await putLeaf(files, `${PKI}/etcd/server`, leaf, intermediate, intermediate);
      },
    ],
    [
      'of the front proxy, over an intermediate CA',
      async (files) => {
        const intermediate = await below(signerOf(files, `${PKI}/front-proxy-ca`), 'front-proxy-intermediate');
        const leaf: Leaf = { commonName: 'front-proxy-client', usages: ['client'] };
        await putLeaf(files, `${PKI}/front-proxy-client`, leaf, intermediate, intermediate);
      },
    ],
  ])('is no problem: %s', async (_title, edit) => {
    expect(await problemsOf(await nodeWith(edit))).toEqual([]);
  });
});

describe('a chain that the components refuse', () => {
  it.each<[string, Edit, RegExp]>([
    [
      'an expired intermediate CA',
      async (files) => {
        const intermediate = await below(signerOf(files, `${PKI}/ca`), 'intermediate', PAST);
        await putServer(files, intermediate, intermediate);
      },
      /^was signed by the intermediate CA CN=intermediate that expired on 2026-02-01 00:00:00 UTC$/,
    ],
    [
      'an expired CA above a valid intermediate CA',
      async (files) => {
        const old = await root('old', PAST);
        const intermediate = await below(old, 'intermediate');
        putBundle(files, `${PKI}/ca.crt`, signerOf(files, `${PKI}/ca`), old);
        await putServer(files, intermediate, intermediate);
      },
      /^was signed through the CA CN=old that expired on 2026-02-01/,
    ],
    [
      'an intermediate CA that is not valid yet',
      async (files) => {
        const intermediate = await below(signerOf(files, `${PKI}/ca`), 'intermediate', FUTURE);
        await putServer(files, intermediate, intermediate);
      },
      /^was signed by the intermediate CA CN=intermediate that is not valid before 2026-04-01/,
    ],
    [
      'a missing intermediate CA',
      async (files) => putServer(files, await below(signerOf(files, `${PKI}/ca`), 'intermediate')),
      /^was not signed by the cluster CA in \S+: the issuer has another name$/,
    ],
    [
      'an intermediate CA of another cluster',
      async (files) => {
        const intermediate = await below(await root(), 'intermediate');
        await putServer(files, intermediate, intermediate);
      },
      /^was not signed by the cluster CA in \S+: nor was its intermediate CA CN=intermediate$/,
    ],
    [
      'a CA below one that allows none',
      async (files) => {
        const upper = await below(signerOf(files, `${PKI}/ca`), 'upper', VALID, 0);
        const lower = await below(upper, 'lower');
        await putServer(files, lower, lower, upper);
      },
      /pathLenConstraint/,
    ],
  ])('is named with its reason: %s', async (_title, edit, message) => {
    expect(await problemsOf(await nodeWith(edit))).toMatchObject([
      { id: 'apiserver', code: 'PKI_CHAIN_BROKEN', severity: 'problem', message: expect.stringMatching(message) },
    ]);
  });
});

describe('a certificate with the name and the key of its CA', () => {
  it('is refused as Go refuses it, although name and signature fit', async () => {
    const node = await nodeWith(async (files) => {
      const path = `${PKI}/front-proxy-client`;
      const ca = signerOf(files, `${PKI}/front-proxy-ca`);
      const certificate = await issueFromScratch({
        subject: { commonName: 'front-proxy-ca' },
        usages: ['client'],
        publicKey: ca.key,
        issuer: { ...ca, keySource: 'memory' },
        validity: VALID,
      });
      putFile(files, `${path}.crt`, pem(certificate), 0o644);
      putFile(files, `${path}.key`, encodePrivateKey(ca.key, 'PRIVATE KEY'));
    });
    expect(await problemsOf(node)).toMatchObject([
      {
        id: 'front-proxy-client',
        code: 'PKI_CHAIN_BROKEN',
        message: 'is refused by the components: none of the trusted CAs has signed it',
      },
    ]);
  });
});

describe('certificates of an expired CA beside a new one of the same name', () => {
  const edit: Edit = async (files) => {
    const ca = signerOf(files, `${PKI}/ca`);
    const old = await root('kubernetes', PAST, ca.key);
    const renewed = await root();
    putBundle(files, `${PKI}/ca.crt`, renewed, old);
    putFile(files, `${PKI}/ca.key`, encodePrivateKey(renewed.key, 'PRIVATE KEY'));
  };

  it('are all named with the date of that CA, and those of other CAs are not', async () => {
    const problems = await problemsOf(await nodeWith(edit));
    expect(new Set(problems.map(({ message }) => message))).toEqual(
      new Set(['was signed by the CA CN=kubernetes that expired on 2026-02-01 00:00:00 UTC']),
    );
    const ids = problems.map(({ id }) => id).filter((id) => id !== 'super-admin.conf');
    expect(ids).toEqual([
      'apiserver',
      'apiserver-kubelet-client',
      'admin.conf',
      'controller-manager.conf',
      'scheduler.conf',
      'kubelet-client',
    ]);
  });

  it('are renewed by the new CA', async () => {
    const node = await nodeWith(edit);
    const inventory = await inspectCertificates(node.input, { host: node.host });
    for (const step of createRenewalSteps({ inventory }, { host: node.host, clock: createFixedClock(NOW) })) {
      const finding = await step.check(signal);
      if (finding.status !== 'needed') continue;
      await step.apply(step.plan(finding), directJournal(node.host), signal);
      expect(await step.verify(signal)).toMatchObject({ verified: true });
    }
    expect(await problemsOf(node)).toEqual([]);
    const [server] = parseCertificates(await textAt(node.host, `${PKI}/apiserver.crt`), 'apiserver');
    const [signer] = parseCertificates(await textAt(node.host, `${PKI}/ca.crt`), 'ca');
    expect(server.x509.verify(signer.x509.publicKey)).toBe(true);
  });

  it('are left to the reissue of the CA when the expired CA is the one that signs', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['ca'] }, async (files) => {
      putBundle(files, `${PKI}/ca.crt`, await root(), signerOf(files, `${PKI}/ca`));
    });
    expect(await problemsOf(node)).toMatchObject([{ id: 'ca/cluster', code: 'PKI_CA_EXPIRED' }]);
  });
});
