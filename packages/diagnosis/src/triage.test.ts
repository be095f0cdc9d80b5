import { type Host, hostPath } from '@kube-rescue/host';
import { buildPki, createFakeHost, createFixedClock, expectCode, type PkiOptions, treeOf } from '@kube-rescue/testing';
import { checkCertificates, type Triage, triageNode } from './triage.ts';
import { type Node, type NodeOptions, openNode } from '@kube-rescue/node';
import { describe, expect, it } from 'vitest';

const NOW = new Date('2026-11-22T12:00:00Z');
const OPTIONS: NodeOptions = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };

function nodeOf(host: Host): Node {
  return openNode(OPTIONS, { host, clock: createFixedClock(NOW) });
}

async function triage(pki: PkiOptions): Promise<Triage> {
  const { tree } = await buildPki({ now: NOW, ...pki });
  const host: Host = { ...createFakeHost({ tree }), kind: 'copy' };
  return triageNode(nodeOf(host), new AbortController().signal);
}

describe('a triage', () => {
  it('reports a good node as healthy', async () => {
    const { verdict, healthy, causes, layout } = await triage({});
    const good = { verdict: 'healthy', healthy: true, causes: [], layout: 'kubeadm' };
    expect({ verdict, healthy, causes, layout }).toEqual(good);
  });

  it('reports certificates that expired in the same second as one cause, in the order of their dependencies', async () => {
    const { causes, healthy, certificates } = await triage({
      expired: ['admin.conf', 'apiserver', 'etcd/server', 'kubelet-client'],
    });
    expect(healthy).toBe(false);
    expect(causes.map(({ rank, code }) => `${rank} ${code}`)).toEqual(['1 PKI_CERTIFICATE_EXPIRED']);
    expect(causes[0]?.summary).toMatch(/^4 certificates expired on 2026-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    expect(causes[0]?.evidence).toHaveLength(4);
    expect(causes[0]?.evidence[0]).toContain('/var/lib/kubelet/pki/kubelet-client');
    expect(causes[0]?.evidence[0]).toContain('the kubelet does not start');
    expect(causes[0]?.hint).toContain('kube-rescue recover');
    const hints = certificates.flatMap(({ problems }) => problems.map(({ hint }) => hint));
    expect(hints).toEqual(Array.from({ length: 4 }, () => causes[0]?.hint));
  });

  it('names a missing CA key before the certificates that need it, and does not advise recover', async () => {
    const { causes } = await triage({ expired: ['apiserver', 'admin.conf', 'etcd/server'], missingCaKeys: ['ca'] });
    expect(causes.map(({ rank, code }) => `${rank} ${code}`)).toEqual([
      '1 PKI_CA_KEY_MISSING',
      '2 PKI_CERTIFICATE_EXPIRED',
    ]);
    expect(causes[0]?.summary).toMatch(/^2 certificates cannot be renewed: the cluster CA key is missing$/);
    expect(causes[0]?.evidence).toHaveLength(2);
    expect(causes[1]?.evidence).toHaveLength(3);
    expect(causes[1]?.hint).not.toContain('recover');
  });

  it('names the clock first when it is before the CA', async () => {
    const { tree } = await buildPki({ now: NOW });
    const host: Host = { ...createFakeHost({ tree }), kind: 'copy' };
    const clock = createFixedClock('2010-01-01T00:00:00Z');
    const { causes } = await triageNode(openNode(OPTIONS, { host, clock }), new AbortController().signal);
    expect(causes[0]?.code).toBe('PKI_CLOCK_BEFORE_CA');
    expect(causes[0]?.hint).toContain('clock');
  });

  it('reports a stopped control plane as down', async () => {
    const { tree } = await buildPki({ now: NOW });
    const { causes, components } = await triageNode(nodeOf(createFakeHost({ tree })), new AbortController().signal);
    expect(components.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'kubelet stopped',
      'etcd stopped',
      'kube-apiserver stopped',
      'kube-controller-manager stopped',
      'kube-scheduler stopped',
      'API stopped',
    ]);
    expect(causes.map(({ code }) => code)).toEqual(['COMPONENT_DOWN']);
  });

  it.each([
    ['whose manifest directory is empty', true],
    ['without a manifest directory', false],
  ])('sends a worker %s to the control plane, and never asks for the key of the CA', async (_title, hasDirectory) => {
    const { tree } = await buildPki({ now: NOW, expired: ['kubelet-client'] });
    const kept = ['/etc/kubernetes/kubelet.conf', '/etc/kubernetes/pki/ca.crt', '/var/lib/kubelet/'];
    const files = [...tree].filter(([path]) => kept.some((part) => path.startsWith(part)));
    const manifests = hostPath('/etc/kubernetes/manifests');
    const host = createFakeHost({ tree: new Map(files) });
    if (hasDirectory) await host.makeDirectory(manifests, { mode: 0o755 });
    const { causes, certificates } = await triageNode(nodeOf({ ...host, kind: 'copy' }), new AbortController().signal);
    expect(causes.map(({ code }) => code).slice(0, 2)).toEqual(['LAYOUT_UNKNOWN', 'PKI_CA_KEY_ELSEWHERE']);
    expect(causes[1]?.hint).toContain('kubeadm kubeconfig user --org system:nodes');
    expect(causes[0]?.hint).toContain('run this on a control-plane node');
    expect(causes[0]?.hint).toContain('kubeadm token create --print-join-command');
    expect(JSON.stringify({ causes, certificates })).not.toMatch(/ca\.key|need the CA key|kube-rescue recover/);
    expect(certificates.find(({ id }) => id === 'ca/cluster')?.status).toBe('ok');
  });

  it('does not take a control-plane node whose manifests were moved away for a worker', async () => {
    const { tree } = await buildPki({ now: NOW });
    const files = [...tree].filter(([path]) => !path.startsWith('/etc/kubernetes/manifests'));
    const node = nodeOf({ ...createFakeHost({ tree: new Map(files) }), kind: 'copy' });
    await expectCode(triageNode(node, new AbortController().signal), 'MANIFEST_DIRECTORY_MISSING');
  });

  it.each([
    ['admin.conf', 'kubectl does not work on this node'],
    ['super-admin.conf', 'kubectl does not work with super-admin.conf'],
  ])('says with which kubeconfig kubectl does not work: %s', async (id, consequence) => {
    const { tree } = await buildPki({ now: NOW });
    const expired = (await buildPki({ now: NOW, expired: ['admin.conf'] })).tree;
    const conf = expired.get(hostPath('/etc/kubernetes/admin.conf'));
    if (conf === undefined) throw new Error('no admin.conf');
    const files = new Map([...tree, [hostPath(`/etc/kubernetes/${id}`), conf]]);
    const node = nodeOf({ ...createFakeHost({ tree: files }), kind: 'copy' });
    const { causes } = await triageNode(node, new AbortController().signal);
    expect(JSON.stringify(causes)).toContain(consequence);
    expect(JSON.stringify(causes).match(/kubectl does not work/g)).toHaveLength(1);
  });

  it('never advises a recovery where the layout is refused, and names the layout first', async () => {
    const manifest = hostPath('/etc/kubernetes/manifests/etcd.yaml');
    const tree = new Map((await buildPki({ now: NOW, expired: ['apiserver', 'admin.conf'] })).tree);
    tree.delete(manifest);
    const host: Host = { ...createFakeHost({ tree }), kind: 'copy' };
    const { causes } = await triageNode(nodeOf(host), new AbortController().signal);
    expect(causes[0]?.code).toBe('LAYOUT_UNSUPPORTED');
    expect(JSON.stringify(causes)).not.toMatch(/kube-rescue (?:plan|recover)`/);
    expect(causes[1]?.hint).toContain('kube-rescue certs renew');
  });

  it('does not call a node healthy when a manifest cannot be read', async () => {
    const path = hostPath('/etc/kubernetes/manifests/kube-apiserver.yaml');
    const broken = treeOf({ [path]: 'spec:\n\tcontainers: []\n' });
    const tree = new Map([...(await buildPki({ now: NOW })).tree, ...broken]);
    const host: Host = { ...createFakeHost({ tree }), kind: 'copy' };
    const signal = new AbortController().signal;
    const { verdict, healthy, causes } = await triageNode(nodeOf(host), signal);
    expect({ verdict, healthy, codes: causes.map(({ code }) => code) }).toEqual({
      ...{ verdict: 'unknown', healthy: false, codes: ['MANIFEST_INVALID'] },
    });
    const { certificates, unread } = await checkCertificates(nodeOf(host), { warnWithinDays: 7 });
    expect(certificates.map(({ status }) => status)).not.toContain('problem');
    expect(unread).toMatchObject([{ code: 'MANIFEST_INVALID', path }]);
  });

  it('names a file that is no manifest, which hides nothing', async () => {
    const path = '/etc/kubernetes/manifests/README';
    const tree = new Map([
      ...(await buildPki({ now: NOW })).tree,
      ...treeOf({ [path]: 'Static pods: see the wiki\n' }),
    ]);
    const node = nodeOf({ ...createFakeHost({ tree }), kind: 'copy' });
    const { verdict, notices } = await triageNode(node, new AbortController().signal);
    expect(verdict).toBe('healthy');
    expect(notices).toMatchObject([{ code: 'MANIFEST_PASSED_OVER', summary: expect.stringContaining(path) }]);
    const { unread, passedOver } = await checkCertificates(node, {});
    expect([unread, passedOver]).toMatchObject([[], [{ code: 'MANIFEST_PASSED_OVER', path }]]);
  });

  it('names every member of several control-plane nodes, and advises a recovery of each', async () => {
    const { tree } = await buildPki({ now: NOW, expired: ['apiserver', 'etcd/server'] });
    const members = ['cp1', 'cp2', 'cp3'].map((name, index) => ({
      ...{ id: String(index), name, clientUrls: [], isLearner: false, isThisNode: index === 0, validTo: null },
      ...{ accepts: name !== 'cp3', lacks: name === 'cp3' ? ['does not answer on https://10.9.0.12:2380'] : [] },
      peerUrls: [`https://10.9.0.1${index}:2380`],
    }));
    const node = nodeOf(createFakeHost({ tree }));
    const peers = { url: 'https://10.9.0.10:2380', members };
    const triaged = await triageNode({ ...node, etcdPeers: async () => peers }, new AbortController().signal);
    expect(triaged.notices).toMatchObject([
      {
        code: 'ETCD_SEVERAL_MEMBERS',
        evidence: [
          'cp1 (this node): https://10.9.0.10:2380',
          'cp2: https://10.9.0.11:2380',
          'cp3: https://10.9.0.12:2380; does not answer on https://10.9.0.12:2380',
        ],
      },
    ]);
    expect(triaged.causes[0]).toMatchObject({ hint: expect.stringContaining('on each control-plane node') });
    expect(triaged.next).toMatchObject({
      command: 'plan',
      text: expect.stringContaining('`kube-rescue recover`, on each control-plane node'),
    });
  });

  it('puts the clock before the renewal of what it makes invalid', async () => {
    const { tree } = await buildPki({ now: NOW });
    const host: Host = { ...createFakeHost({ tree }), kind: 'copy' };
    const node = openNode(OPTIONS, { host, clock: createFixedClock('2010-01-01T00:00:00Z') });
    const { causes } = await triageNode(node, new AbortController().signal);
    expect(causes.map(({ code, hint }) => [code, hint])).toEqual([
      ['PKI_CLOCK_BEFORE_CA', expect.stringContaining('clock')],
      ['PKI_CERTIFICATE_NOT_YET_VALID', expect.stringContaining('set it first')],
    ]);
  });

  it('calls two manifests of one pod a problem, not a file that could not be checked', async () => {
    const { tree } = await buildPki({ now: NOW });
    const path = '/etc/kubernetes/manifests/kube-apiserver.yaml';
    const entry = tree.get(hostPath(path));
    const text = entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : '';
    const host: Host = {
      ...createFakeHost({ tree: new Map([...tree, ...treeOf({ [`${path}.bak`]: text })]) }),
      kind: 'copy',
    };
    const { verdict, causes } = await triageNode(nodeOf(host), new AbortController().signal);
    expect({ verdict, code: causes[0]?.code }).toEqual({ verdict: 'unhealthy', code: 'MANIFEST_DUPLICATE' });
  });

  it('refuses a machine that is not a node', async () => {
    const signal = new AbortController().signal;
    await expectCode(triageNode(nodeOf(createFakeHost()), signal), 'NODE_NOT_FOUND');
  });
});

describe('certs check', () => {
  it('lists every certificate of the node with its CA, and prints no key', async () => {
    const { tree, privateKeys } = await buildPki({ now: NOW, expired: ['scheduler.conf'] });
    const { certificates: rows } = await checkCertificates(nodeOf(createFakeHost({ tree })), { warnWithinDays: 30 });
    expect(rows.find(({ id }) => id === 'scheduler.conf')?.status).toBe('problem');
    expect(rows.filter(({ kind }) => kind === 'ca').map(({ id }) => id)).toEqual([
      'ca/cluster',
      'ca/etcd',
      'ca/front-proxy',
    ]);
    const text = JSON.stringify(rows);
    for (const key of privateKeys) expect(text).not.toContain(key.split('\n')[1]);
  });

  it('names kubelet.conf when the certificate inside it alone has expired', async () => {
    const { tree } = await buildPki({ now: NOW });
    const old = (await buildPki({ now: NOW, expired: ['kubelet-client'] })).pairs['kubelet-client'];
    const path = hostPath('/etc/kubernetes/kubelet.conf');
    const host = createFakeHost({ tree });
    const text = Buffer.from((await host.readFile(path)) ?? []).toString();
    const inside = text
      .replace(/client-certificate: .*/, `client-certificate-data: ${Buffer.from(old.certificate).toString('base64')}`)
      .replace(/client-key: .*/, `client-key-data: ${Buffer.from(old.key).toString('base64')}`);
    await host.writeFile(path, Buffer.from(inside), { mode: 0o600 });
    const { certificates: rows } = await checkCertificates(nodeOf(host), { warnWithinDays: 30 });
    expect(rows.find(({ id }) => id === 'kubelet-client')).toMatchObject({ path, status: 'problem' });
    expect(rows.find(({ id }) => id === 'kubelet-client')?.daysLeft).toBeLessThan(0);
  });
});
