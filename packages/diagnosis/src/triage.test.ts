import { type Host, hostPath } from '@kube-rescue/host';
import { buildPki, createFakeHost, createFixedClock, expectCode, type PkiOptions } from '@kube-rescue/testing';
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
    const { healthy, causes, layout } = await triage({});
    expect({ healthy, causes, layout }).toEqual({ healthy: true, causes: [], layout: 'kubeadm' });
  });

  it('reports certificates that expired in the same second as one cause, in the order of their dependencies', async () => {
    const { causes, healthy } = await triage({ expired: ['admin.conf', 'apiserver', 'etcd/server', 'kubelet-client'] });
    expect(healthy).toBe(false);
    expect(causes.map(({ rank, code }) => `${rank} ${code}`)).toEqual(['1 PKI_CERTIFICATE_EXPIRED']);
    expect(causes[0]?.summary).toMatch(/^4 certificates expired on 2026-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    expect(causes[0]?.evidence).toHaveLength(4);
    expect(causes[0]?.evidence[0]).toContain('/var/lib/kubelet/pki/kubelet-client');
    expect(causes[0]?.evidence[0]).toContain('the kubelet does not start');
    expect(causes[0]?.hint).toContain('kube-rescue recover');
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

  it('refuses a machine that is not a node', async () => {
    const signal = new AbortController().signal;
    await expectCode(triageNode(nodeOf(createFakeHost()), signal), 'NODE_NOT_FOUND');
  });
});

describe('certs check', () => {
  it('lists every certificate of the node with its CA, and prints no key', async () => {
    const { tree, privateKeys } = await buildPki({ now: NOW, expired: ['scheduler.conf'] });
    const rows = await checkCertificates(nodeOf(createFakeHost({ tree })), { warnWithinDays: 30 });
    expect(rows.find(({ id }) => id === 'scheduler.conf')?.status).toBe('problem');
    expect(rows.filter(({ kind }) => kind === 'ca').map(({ id }) => id)).toEqual([
      'ca/cluster',
      'ca/etcd',
      'ca/front-proxy',
    ]);
    const text = JSON.stringify(rows);
    for (const key of privateKeys) expect(text).not.toContain(key.split('\n')[1]);
  });
});
