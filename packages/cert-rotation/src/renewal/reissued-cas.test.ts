import { hostPath, joinPath } from '@kube-rescue/host';
import {
  buildPki,
  CA_NAMES,
  type CaName,
  createFakeHost,
  createFixedClock,
  expectCode,
  issueCertificate,
} from '@kube-rescue/testing';
import { parseCertificates } from '@kube-rescue/x509';
import { describe, expect, it } from 'vitest';
import { inspectCertificates } from '../inventory/inventory.ts';
import { reportCertificates } from '../judgement/report.ts';
import { directJournal, kubeadmNode, type Node, NOW, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { openOpenSsl } from '../../../x509/src/openssl.fixture.ts';
import { createReissueSteps } from './ca-steps.ts';
import { createRenewalSteps } from './renewal-steps.ts';
import { type CaExport, exportReissuedCas } from './reissued-ca-export.ts';
import { assertReissuedCasFit, readReissuedCas } from './reissued-cas.ts';

const { signal } = new AbortController();
const clock = createFixedClock(NOW);
const DIRECTORY = hostPath('/cas');
const PKI = '/etc/kubernetes/pki';
const EC = { algorithm: 'ecdsa' } as const;
const DAY_MS = 86_400_000;

type Files = ReturnType<typeof createFakeHost>;
type Tree = Parameters<typeof putFile>[0];

async function exportOf(node: Node, options: Partial<CaExport> = {}, files: Files = createFakeHost()) {
  const inventory = await inspectCertificates(node.input, { host: node.host });
  const deps = { files, host: node.host, clock };
  return { files, cas: await exportReissuedCas({ inventory, directory: DIRECTORY, ...options }, deps) };
}

async function stepsOf(node: Node, files: Files) {
  const inventory = await inspectCertificates(node.input, { host: node.host });
  const set = await readReissuedCas(DIRECTORY, files);
  assertReissuedCasFit(set, inventory, NOW);
  const deps = { host: node.host, clock };
  return [
    ...createReissueSteps({ inventory, options: { reissued: set.cas } }, deps),
    ...createRenewalSteps({ inventory, reissued: inventory.cas.map(({ id }) => id) }, deps),
  ];
}

/** Applies the steps that are needed, in order, and returns their ids. */
async function install(node: Node, files: Files): Promise<readonly string[]> {
  const made: string[] = [];
  for (const step of await stepsOf(node, files)) {
    const finding = await step.check(signal);
    if (finding.status === 'ok') continue;
    expect(finding).toMatchObject({ status: 'needed' });
    await step.apply((step.plan as (seen: unknown) => never)(finding), directJournal(node.host), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    made.push(step.id);
  }
  return made;
}

/** Another node of the same cluster: the same CAs and keys. */
function otherNode({ pki, tree, input }: Node, edit: (files: Tree) => void = () => undefined): Node {
  const files = new Map(tree);
  edit(files);
  return { pki, tree: files, input, host: createFakeHost({ tree: files }) };
}

async function put(files: Files, name: string, text: string): Promise<void> {
  await files.makeDirectory(DIRECTORY, { mode: 0o755 });
  await files.writeFile(joinPath(DIRECTORY, name), Buffer.from(text), { mode: 0o644 });
}

async function reasonsOf(node: Node, files: Files): Promise<string> {
  const error = await expectCode(stepsOf(node, files), 'PKI_SET_UNFIT');
  return error.message;
}

describe('CAs that are reissued once', () => {
  it('are written by kubeadm names, public and without a key, and openssl verifies the old leaves with them', async () => {
    const node = await kubeadmNode({ ...EC, expired: CA_NAMES });
    const { files, cas } = await exportOf(node, { days: 100 });
    expect(cas.map(({ id, path }) => [id, path])).toEqual([
      ['cluster', '/cas/ca.crt'],
      ['etcd', '/cas/etcd/ca.crt'],
      ['front-proxy', '/cas/front-proxy-ca.crt'],
    ]);
    expect(new Set(cas.map(({ notAfter }) => notAfter))).toEqual(new Set(['2026-06-09T12:00:00Z']));
    using openssl = openOpenSsl();
    for (const [ca, leaf] of [
      ['ca', 'apiserver'],
      ['etcd/ca', 'etcd/peer'],
      ['front-proxy-ca', 'front-proxy-client'],
    ] as const) {
      const path = `${DIRECTORY}/${ca}.crt`;
      expect(await files.stat(hostPath(path))).toMatchObject({ kind: 'file', mode: 0o644 });
      expect(await textAt(files, path)).not.toContain('PRIVATE');
      openssl.write('ca.crt', await textAt(files, path));
      openssl.write('leaf.crt', textIn(node.tree, `${PKI}/${leaf}.crt`));
      const verify = `verify -x509_strict -attime ${NOW.getTime() / 1000} -CAfile ca.crt leaf.crt`;
      expect(openssl.run(verify)).toContain('OK');
    }
    expect(await textAt(node.host, `${PKI}/ca.crt`)).toBe(textIn(node.tree, `${PKI}/ca.crt`));
  });

  it('are those that have expired or expire soon, or those that are named', async () => {
    const node = await kubeadmNode({ ...EC, expired: ['etcd/ca'] });
    expect((await exportOf(node)).cas.map(({ id }) => id)).toEqual(['etcd']);
    expect((await exportOf(node, { only: ['front-proxy'] })).cas.map(({ id }) => id)).toEqual(['front-proxy']);
    const notice = { expiringWithinDays: 36_500 };
    expect((await exportOf(node, { notice })).cas).toHaveLength(3);
    const { files, cas } = await exportOf(await kubeadmNode(EC));
    expect([cas, await files.list(DIRECTORY)]).toEqual([[], undefined]);
    await expectCode(exportOf(node, { only: ['etcd-peer'] }), 'PKI_CERTIFICATE_UNKNOWN');
    await expectCode(exportOf(node, { days: 0 }), 'PKI_LIFETIME_INVALID');
  });

  it('are not issued twice into one directory, and not at all where one cannot be issued here', async () => {
    const node = await kubeadmNode({ ...EC, expired: ['ca'] });
    const { files } = await exportOf(node);
    const before = await textAt(files, `${DIRECTORY}/ca.crt`);
    await expectCode(exportOf(node, { only: ['etcd', 'cluster'] }, files), 'PKI_REQUEST_EXISTS');
    expect(await textAt(files, `${DIRECTORY}/ca.crt`)).toBe(before);
    expect(await files.stat(hostPath('/cas/etcd/ca.crt'))).toBeUndefined();
    const broken = await kubeadmNode({ ...EC, expired: CA_NAMES, missingCaKeys: ['ca'] }, (tree) =>
      putFile(tree, `${PKI}/etcd/ca.crt`, '', 0o644),
    );
    const empty = createFakeHost();
    const error = await expectCode(exportOf(broken, {}, empty), 'PKI_REQUEST_IMPOSSIBLE');
    expect(error.message).toMatch(/cluster CA .*key is missing/);
    expect(error.message).toMatch(/etcd CA: the file is empty; copy it from a control-plane node/);
    expect(await empty.list(DIRECTORY)).toBeUndefined();
  });
});

describe('reissued CAs on a node of the cluster', () => {
  it('are installed byte for byte in every file that trusts them, with the expired leaves renewed', async () => {
    const first = await kubeadmNode({ ...EC, expired: [...CA_NAMES, 'apiserver', 'admin.conf'], caBundle: true });
    const { files } = await exportOf(first);
    for (const node of [first, otherNode(first)]) {
      const made = await install(node, files);
      expect(made.slice(0, 3)).toEqual(['pki/reissue/cluster-ca', 'pki/reissue/etcd-ca', 'pki/reissue/front-proxy-ca']);
      for (const name of CA_NAMES) {
        expect(await textAt(node.host, `${PKI}/${name}.crt`)).toBe(await textAt(files, `${DIRECTORY}/${name}.crt`));
      }
      const admin = await textAt(node.host, '/etc/kubernetes/admin.conf');
      const trusted = Buffer.from(/certificate-authority-data: (\S+)/.exec(admin)?.[1] ?? '', 'base64').toString();
      expect(trusted).toContain(await textAt(files, `${DIRECTORY}/ca.crt`));
      const rows = reportCertificates(await inspectCertificates(node.input, { host: node.host }), { now: NOW });
      expect(rows.filter(({ status }) => status !== 'ok')).toEqual([]);
      expect(await install(node, files)).toEqual([]);
    }
  });

  it('replace one that has not expired yet, and a kubeconfig that was left with the former one', async () => {
    const first = await kubeadmNode(EC);
    const { files } = await exportOf(first, { only: ['cluster'] });
    expect(await install(first, files)).toEqual(['pki/reissue/cluster-ca']);
    const scheduler = '/etc/kubernetes/scheduler.conf';
    const half = otherNode(first);
    await half.host.writeFile(hostPath(`${PKI}/ca.crt`), Buffer.from(await textAt(files, `${DIRECTORY}/ca.crt`)), {
      mode: 0o644,
    });
    expect(await install(half, files)).toEqual(['pki/reissue/cluster-ca']);
    expect(await textAt(half.host, scheduler)).toBe(await textAt(first.host, scheduler));
  });

  it('stand in for a certificate that this node has lost', async () => {
    const first = await kubeadmNode({ ...EC, expired: ['etcd/ca'] });
    const { files } = await exportOf(first);
    const loseEtcdCa = (tree: Tree): void => putFile(tree, `${PKI}/etcd/ca.crt`, '', 0o644);
    const lost = otherNode(first, loseEtcdCa);
    expect(await install(lost, files)).toEqual(['pki/reissue/etcd-ca']);
    expect(await textAt(lost.host, `${PKI}/etcd/ca.crt`)).toBe(await textAt(files, '/cas/etcd/ca.crt'));
    const foreign = await kubeadmNode({ ...EC, expired: ['etcd/ca'] });
    const again = otherNode(first, loseEtcdCa);
    expect(await reasonsOf(again, (await exportOf(foreign)).files)).toMatch(/is for another key than .*etcd\/ca\.key/);
  });
});

describe('a directory of CA certificates is refused by name', () => {
  const expired = async (): Promise<Node> => kubeadmNode({ ...EC, expired: ['ca'] });

  it('of another cluster, whose CA has the same name', async () => {
    const { files } = await exportOf(await expired());
    expect(await reasonsOf(await expired(), files)).toMatch(
      /\/cas\/ca\.crt is of another CA: its key is not that of the cluster CA of this node/,
    );
  });

  it('without the CA that has expired, without any, and where there is none', async () => {
    const node = await kubeadmNode({ ...EC, expired: ['ca', 'etcd/ca'] });
    const { files } = await exportOf(node, { only: ['cluster'] });
    expect(await reasonsOf(node, files)).toMatch(/\/cas\/etcd\/ca\.crt is missing, and the etcd CA expired on /);
    const others = createFakeHost();
    await put(others, 'README', 'none');
    expect(await reasonsOf(node, others)).toMatch(/holds no CA certificate/);
    expect(await reasonsOf(node, createFakeHost())).toMatch(/the directory does not exist/);
  });

  it.each<[string, CaName | 'apiserver', RegExp]>([
    ['with the certificate of another CA of the node', 'etcd/ca', /is of another CA: CN=etcd-ca, .*CN=kubernetes/],
    ['with a leaf', 'apiserver', /is of another CA: CN=kube-apiserver/],
  ])('%s', async (_title, name, reason) => {
    const node = await expired();
    const files = createFakeHost();
    await put(files, 'ca.crt', node.pki.pairs[name].certificate);
    expect(await reasonsOf(node, files)).toMatch(reason);
  });

  it('with its own expired one, with two in a file, and with none', async () => {
    const node = await expired();
    const { certificate } = node.pki.pairs.ca;
    const files = createFakeHost();
    await put(files, 'ca.crt', certificate);
    expect(await reasonsOf(node, files)).toMatch(/\/cas\/ca\.crt expired on /);
    await put(files, 'ca.crt', certificate + node.pki.pairs['etcd/ca'].certificate);
    expect(await reasonsOf(node, files)).toMatch(/holds 2 certificates, not one/);
    await put(files, 'ca.crt', node.pki.pairs.ca.key);
    expect(await reasonsOf(node, files)).toMatch(/\/cas\/ca\.crt: /);
    await put(files, 'ca.crt', 'x'.repeat(70_000));
    expect(await reasonsOf(node, files)).toMatch(/is too large for a certificate/);
  });

  const made = async (
    node: Node,
    change: { notBefore?: Date; notAfter?: Date; extensions?: readonly string[]; issuer?: CaName },
  ): Promise<Files> => {
    const { key } = node.pki.pairs.ca;
    const certificate = await issueCertificate({
      ...{ subject: '/CN=kubernetes', key, notBefore: new Date(NOW.getTime() - DAY_MS) },
      ...{ notAfter: new Date(NOW.getTime() + 3650 * DAY_MS), extensions: ['basicConstraints=critical,CA:TRUE'] },
      ...change,
      issuer: change.issuer === undefined ? undefined : node.pki.pairs[change.issuer],
    });
    const files = createFakeHost();
    await put(files, 'ca.crt', certificate);
    return files;
  };

  it('that is not a CA, not its own issuer, not valid yet, or older than the present one', async () => {
    const node = await expired();
    expect(await reasonsOf(node, await made(node, { extensions: ['basicConstraints=CA:FALSE'] }))).toMatch(
      /is not a CA certificate/,
    );
    expect(await reasonsOf(node, await made(node, { issuer: 'etcd/ca' }))).toMatch(/is not signed by its own key/);
    expect(await reasonsOf(node, await made(node, { notBefore: new Date(NOW.getTime() + DAY_MS) }))).toMatch(
      /is not valid before /,
    );
    const valid = await kubeadmNode(EC);
    const short = await made(valid, { notAfter: new Date(NOW.getTime() + DAY_MS) });
    expect(await reasonsOf(valid, short)).toMatch(/is older than the cluster CA of this node: it ends on /);
  });

  it('without the key of the CA on this node, or with another key', async () => {
    const first = await expired();
    const { files } = await exportOf(first);
    const without = otherNode(first, (tree) => void tree.delete(hostPath(`${PKI}/ca.key`)));
    expect(await reasonsOf(without, files)).toMatch(/cluster CA key is missing/);
    const { pairs } = await buildPki({ now: NOW, ...EC });
    const foreign = otherNode(first, (tree) => putFile(tree, `${PKI}/ca.key`, pairs.ca.key));
    expect(await reasonsOf(foreign, files)).toMatch(/key does not belong to the certificate/);
  });
});

it('a directory with kubeadm names and keys is read for its certificates alone', async () => {
  const node = await kubeadmNode({ ...EC, expired: ['ca'] });
  const { files } = await exportOf(node);
  const read: string[] = [];
  const watched = {
    list: (path: Parameters<Files['list']>[0]) => files.list(path),
    readRange: (...args: Parameters<Files['readRange']>) => {
      read.push(args[0]);
      return files.readRange(...args);
    },
  };
  await put(files, 'ca.key', node.pki.pairs.ca.key);
  const { cas } = await readReissuedCas(DIRECTORY, watched);
  expect([...cas.keys()]).toEqual(['cluster']);
  expect(read.filter((path) => !path.endsWith('.crt'))).toEqual([]);
  const [written] = parseCertificates(await textAt(files, '/cas/ca.crt'), 'ca.crt');
  expect(cas.get('cluster')?.certificate.der).toEqual(written.der);
});
