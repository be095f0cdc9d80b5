import { hostPath } from '@kube-rescue/host';
import { LEAF_NAMES, type LeafName } from '@kube-rescue/testing';
import { detailCertificate, parseCertificates } from '@kube-rescue/x509';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inspectCertificates } from '../inventory/inventory.ts';
import { reportCertificates } from '../judgement/report.ts';
import { directJournal, kubeadmNode, type Node, NOW, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { exportSigningRequests } from '../renewal/signing-request-export.ts';
import { FACTS, scratchSteps } from './scratch-case.fixture.ts';

const { signal } = new AbortController();
const PKI = '/etc/kubernetes/pki';
const CURRENT = '/var/lib/kubelet/pki/kubelet-client-current.pem';
type Edit = NonNullable<Parameters<typeof kubeadmNode>[1]>;

/** Checks every step, and applies and verifies those that are needed. */
async function make(node: Node, options: Parameters<typeof scratchSteps>[1] = {}) {
  const made: { readonly id: string; readonly title: string; readonly summary: string }[] = [];
  for (const step of await scratchSteps(node, options)) {
    const finding = await step.check(signal);
    if (finding.status === 'ok') continue;
    expect(finding).toMatchObject({ status: 'needed' });
    await step.apply(step.plan(finding), directJournal(node.host), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    made.push({ id: step.id, title: step.title, summary: finding.summary });
  }
  return made;
}

async function findingOf(node: Node, id: string, options: Parameters<typeof scratchSteps>[1] = {}) {
  const step = (await scratchSteps(node, options)).find((each) => each.id === id);
  if (step === undefined) throw new Error(`no step ${id}`);
  return step.check(signal);
}

const fileOf = (leaf: LeafName): string =>
  leaf === 'kubelet-client' ? CURRENT : leaf.endsWith('.conf') ? `/etc/kubernetes/${leaf}` : `${PKI}/${leaf}.crt`;

const pemIn = (text: string): string => {
  const data = /client-certificate-data: (\S+)/.exec(text)?.[1];
  return data === undefined ? text : Buffer.from(data, 'base64').toString();
};

/** What a certificate says, without its dates, its number and its key. */
function sayings(pem: string) {
  const certificate = parseCertificates(pemIn(pem), 'x')[0];
  const { subject, issuer, subjectAltNames, extendedKeyUsage, keyUsage } = detailCertificate(certificate, NOW);
  const isCa = new X509Certificate(pemIn(pem)).ca;
  return { subject, issuer, names: subjectAltNames.toSorted(), extendedKeyUsage, keyUsage, isCa };
}

describe('a lost file', () => {
  const half = (text: string): string => text.slice(0, text.length / 2);
  const losses: readonly (readonly [string, (text: string) => string | undefined])[] = [
    ['missing', () => undefined],
    ['empty', () => ''],
    ['full of zero bytes', (text) => '\0'.repeat(text.length)],
    ['torn', half],
    ['torn, with zero bytes behind it', (text) => half(text).padEnd(text.length, '\0')],
  ];

  it.each(losses)('that is %s is made from scratch as kubeadm had made it', async (_, lose) => {
    const lost = LEAF_NAMES.filter((leaf) => leaf !== 'etcd/healthcheck-client');
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
      for (const leaf of lost) {
        const path = hostPath(fileOf(leaf));
        const entry = files.get(path);
        const target = entry?.kind === 'link' ? hostPath(entry.target) : path;
        const text = lose(textIn(files, target));
        if (text === undefined) files.delete(target);
        else putFile(files, target, text, 0o644);
      }
    });
    const made = await make(node);
    expect(made).toHaveLength(lost.length);
    expect(made.every(({ title, summary }) => title.endsWith('from scratch') && summary.includes('from scratch'))).toBe(
      true,
    );
    for (const leaf of lost) {
      expect(sayings(await textAt(node.host, fileOf(leaf))), leaf).toEqual(sayings(node.pki.pairs[leaf].certificate));
      const mode = fileOf(leaf).endsWith('.crt') ? 0o644 : 0o600;
      const target = (await node.host.readLink(hostPath(fileOf(leaf)))) ?? fileOf(leaf);
      expect(await node.host.stat(hostPath(target)), leaf).toMatchObject({ mode, uid: 0, gid: 0 });
    }
    const rows = reportCertificates(await inspectCertificates(node.input, { host: node.host }), { now: NOW });
    expect(rows.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(await make(node)).toEqual([]);
  });

  it('of a pair keeps the private key, and otherwise gets one of the kind of its neighbours', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
      putFile(files, `${PKI}/apiserver.crt`, '', 0o644);
      putFile(files, `${PKI}/etcd/peer.crt`, '', 0o644);
      putFile(files, `${PKI}/etcd/peer.key`, '', 0o644);
    });
    await make(node);
    expect(await textAt(node.host, `${PKI}/apiserver.key`)).toBe(textIn(node.tree, `${PKI}/apiserver.key`));
    expect(await textAt(node.host, `${PKI}/etcd/peer.key`)).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
    expect(await node.host.stat(hostPath(`${PKI}/etcd/peer.key`))).toMatchObject({ mode: 0o600 });
  });

  it('of a key alone gets a new one, for the same names', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) =>
      putFile(files, `${PKI}/apiserver.key`, '', 0o644),
    );
    expect((await make(node)).map(({ id }) => id)).toEqual(['pki/renew/apiserver']);
    expect(sayings(await textAt(node.host, `${PKI}/apiserver.crt`))).toEqual(
      sayings(node.pki.pairs.apiserver.certificate),
    );
    expect(await node.host.stat(hostPath(`${PKI}/apiserver.key`))).toMatchObject({ mode: 0o600 });
  });

  it('is valid for as long as its neighbours, or for the given days', async () => {
    const edit: Edit = (files) => putFile(files, `${PKI}/apiserver.crt`, '', 0o644);
    const endOf = async (days?: number): Promise<number> => {
      const node = await kubeadmNode({ algorithm: 'ecdsa' }, edit);
      await make(node, { days });
      const { validToDate } = new X509Certificate(await textAt(node.host, `${PKI}/apiserver.crt`));
      return (validToDate.getTime() - NOW.getTime()) / (24 * 60 * 60 * 1000);
    };
    expect(await endOf()).toBe(365);
    expect(await endOf(10)).toBe(10);
  });

  it('of the kubelet.conf names the store of the kubelet, and keeps a certificate there that works', async () => {
    let old = '';
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
      old = textIn(files, '/etc/kubernetes/kubelet.conf');
      putFile(files, '/etc/kubernetes/kubelet.conf', '', 0o644);
    });
    const before = await node.host.readLink(hostPath(CURRENT));
    expect(await make(node)).toMatchObject([{ summary: expect.stringContaining('in the store of the kubelet') }]);
    expect(await node.host.readLink(hostPath(CURRENT))).toBe(before);
    const conf = await textAt(node.host, '/etc/kubernetes/kubelet.conf');
    expect(conf.replace(/certificate-authority-data: .*/, '')).toBe(old.replace(/certificate-authority-data: .*/, ''));
  });

  it('gets the group of administrators and the names of the installer by the facts of the node', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
      putFile(files, '/etc/kubernetes/admin.conf', '');
      putFile(files, `${PKI}/apiserver.crt`, '', 0o644);
      putFile(files, `${PKI}/apiserver-etcd-client.crt`, '', 0o644);
    });
    await make(node, {
      facts: { ...FACTS, kubernetesMinor: 31, clusterDomain: 'corp.test', apiServerNames: ['api.test', '10.0.0.9'] },
    });
    const subjectOf = async (leaf: LeafName): Promise<string> => sayings(await textAt(node.host, fileOf(leaf))).subject;
    expect(await subjectOf('admin.conf')).toMatch(/kubeadm:cluster-admins/);
    expect(await subjectOf('apiserver-etcd-client')).not.toMatch(/O=/);
    expect(sayings(await textAt(node.host, `${PKI}/apiserver.crt`)).names).toEqual(
      expect.arrayContaining(['DNS:kubernetes.default.svc.corp.test', 'DNS:api.test', 'IP:10.0.0.9']),
    );
  });
});

describe('the lifetime of a certificate from scratch', () => {
  const lost: Edit = (files) => putFile(files, `${PKI}/apiserver.crt`, '', 0o644);
  const PATH = '/etc/kubernetes/kubeadm-config.yaml';

  // https://github.com/kubernetes/kubernetes/issues/119350: without it every certificate lasts a year.
  it.each([
    ['is certificateValidityPeriod of kubeadm', 90, undefined, 90, `by certificateValidityPeriod in ${PATH}`],
    ['is that of --days all the same', 90, 7, 7, ''],
    ['is that of a neighbour without it', undefined, undefined, 365, 'as long as the '],
    ['is never less than a day by it', 0.5, undefined, 365, 'as long as the '],
    ['ends with the CA', 36_500, undefined, 1825, 'when its CA expires'],
    ['is no more than can be issued', 4_000_000, undefined, 1825, 'when its CA expires'],
  ])('%s', async (_title, configured, days, expected, reason) => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, lost);
    const configuredLifetime = configured === undefined ? undefined : { days: configured, path: PATH };
    const options = { facts: { ...FACTS, configuredLifetime }, days };
    const { evidence } = await findingOf(node, 'pki/renew/apiserver', options);
    expect(evidence.find((line) => line.startsWith('valid until'))).toContain(reason);
    await make(node, options);
    const [{ notAfter }] = parseCertificates(await textAt(node.host, `${PKI}/apiserver.crt`), 'apiserver.crt');
    const lifetime = (notAfter.getTime() - NOW.getTime()) / 86_400_000;
    expect(lifetime).toBe(expected);
  });
});

describe('what is not made from scratch', () => {
  const empty: Edit = (files) => putFile(files, `${PKI}/apiserver.crt`, '', 0o644);

  it('is blocked without the key of the CA, with the command that makes it where the key is', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', missingCaKeys: ['ca'] }, empty);
    const finding = await findingOf(node, 'pki/renew/apiserver');
    expect(finding).toMatchObject({ status: 'blocked', code: 'PKI_CA_KEY_MISSING', changes: [] });
    const rows = reportCertificates(await inspectCertificates(node.input, { host: node.host }), { now: NOW });
    expect(rows.find(({ id }) => id === 'apiserver')?.problems).toMatchObject([
      { message: 'the file is empty', hint: expect.stringMatching(/`kubeadm init phase certs apiserver`/) },
    ]);
  });

  it.each<[string, Edit, string]>([
    ['text that is no PEM', (files) => putFile(files, `${PKI}/apiserver.crt`, 'to be done'), 'PKI_PEM_INVALID'],
    [
      'a whole certificate before a torn one, which kubeadm did not write',
      (files, { pairs }) =>
        putFile(files, `${PKI}/apiserver.crt`, `${pairs.apiserver.certificate}${half(pairs.ca.certificate)}`),
      'PKI_PEM_INVALID',
    ],
  ])('is a file with %s', async (_, edit, code) => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, edit);
    expect(await findingOf(node, 'pki/renew/apiserver')).toMatchObject({ status: 'blocked', code, changes: [] });
  });

  const half = (text: string): string => text.slice(0, text.length / 2);

  it('is a certificate at a path that kubeadm does not use', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => putFile(files, '/etc/ssl/api.crt', ''), {
      'kube-apiserver': { 'tls-cert-file': '/etc/ssl/api.crt' },
    });
    const finding = await findingOf(node, 'pki/renew/apiserver');
    expect(finding).toMatchObject({ status: 'blocked', changes: [], hint: expect.stringContaining('from a backup') });
  });

  it.each([
    ['pki/renew/apiserver', `${PKI}/apiserver.crt`, { nodeName: undefined }, /name of the Node/],
    [
      'kubeconfig/renew/admin.conf',
      '/etc/kubernetes/admin.conf',
      { kubernetesMinor: undefined },
      /version of Kubernetes/,
    ],
  ])('is %s when a fact is missing that would be a guess', async (id, path, unknown, reason) => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => putFile(files, path, ''));
    const finding = await findingOf(node, id, { facts: { ...FACTS, ...unknown } });
    expect(finding).toMatchObject({ status: 'blocked', code: 'PKI_CERTIFICATE_LOST', changes: [] });
    expect(finding.summary).toMatch(reason);
  });

  it('is a kubeconfig that no flag names, and admin.conf is a warning alone when it was removed without the CA key', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', missingCaKeys: ['ca'] }, (files) => {
      files.delete(hostPath('/etc/kubernetes/admin.conf'));
    });
    expect(await findingOf(node, 'kubeconfig/renew/admin.conf')).toMatchObject({
      status: 'ok',
      warnings: [expect.stringContaining('kubeadm init phase kubeconfig admin')],
    });
    const inventory = await inspectCertificates(node.input, { host: node.host });
    const requests = await exportSigningRequests({ inventory, directory: hostPath('/requests') }, { files: node.host });
    expect(requests.map(({ id }) => id)).not.toContain('admin.conf');
    const steps = await scratchSteps(node);
    expect(steps.map(({ id }) => id)).not.toContain('kubeconfig/renew/super-admin.conf');
  });
});
