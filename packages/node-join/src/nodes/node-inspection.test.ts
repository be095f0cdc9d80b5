import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { HostError } from '@kube-rescue/host';
import { buildPki, createFakeHost, createFixedClock, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { type FakeCluster, fakeCluster } from '../cluster.fixture.ts';
import { inspectNodes, type NodeInspectionInput } from '../index.ts';

const NOW = '2026-11-22T12:00:00Z';
const { signal } = new AbortController();

function look(cluster: FakeCluster, input: Partial<NodeInspectionInput> = {}, now: string | Date = NOW) {
  return inspectNodes({ signal, ...input }, { store: cluster.store, clock: createFixedClock(now) });
}

describe('the nodes of a cluster', () => {
  it('are listed with their state, and unknown values are not healthy', async () => {
    const cluster = fakeCluster();
    const master = { 'node-role.kubernetes.io/master': '' };
    cluster.plantNode('node02', { ready: 'Unknown', reportedAt: '2026-11-22T08:00:00Z' });
    const taints = [{ key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' }];
    cluster.plantNode('cp1', { labels: master, taints, reportedAt: '2026-11-22T11:59:55Z' });
    const nodes = await look(cluster);
    expect(nodes.map(({ name }) => name)).toEqual(['cp1', 'node02']);
    expect(nodes[0]).toMatchObject({
      isReadyNow: true,
      roles: ['master'],
      taints: ['node-role.kubernetes.io/master:NoSchedule'],
      kubeletVersion: 'v1.20.15',
      client: { source: 'unknown' },
      problems: [],
    });
    expect(nodes[1]?.problems).toEqual(['not Ready since 2026-11-22T11:00:00Z, last reported 2026-11-22T08:00:00Z']);
  });

  it('are not Ready when their kubelets have not reported for hours', async () => {
    const cluster = fakeCluster();
    cluster.plantNode('node02', { ready: 'True', reportedAt: '2026-11-22T08:00:00Z' });
    expect((await look(cluster))[0]).toMatchObject({ isReadyNow: false, readiness: { status: 'True' } });
  });

  it('are Ready by their Leases', async () => {
    const cluster = fakeCluster();
    cluster.plantNode('node02', { ready: 'True', reportedAt: '2026-11-22T11:57:00Z' });
    const metadata = { name: 'node02', namespace: 'kube-node-lease' };
    cluster.store.plant(RESOURCE_KINDS.Lease, { metadata, spec: { renewTime: '2026-11-22T11:59:51.123456Z' } });
    expect((await look(cluster))[0]).toMatchObject({ isReadyNow: true });
  });

  it('show the expiry of kubelet certificates, from the node or from requests in the cluster', async () => {
    const pki = await buildPki({ algorithm: 'ecdsa', nodeName: 'node02' });
    const pem = pki.pairs['kubelet-client'].certificate;
    const cluster = fakeCluster();
    cluster.plantNode('node02', { reportedAt: new Date().toISOString() });
    const data = Buffer.from(pem).toString('base64');
    const kubeconfig = `clusters: [{name: local, cluster: {server: "https://api.example"}}]
users: [{name: kubelet, user: {client-certificate-data: ${data}, client-key: kubelet.key}}]
contexts: [{context: {cluster: local, user: kubelet}}]
`;
    const host = createFakeHost({ tree: treeOf({ '/etc/kubernetes/kubeconfig': kubeconfig }) });
    const own = await look(cluster, { openHost: async () => host }, new Date());
    expect(own[0]?.client).toMatchObject({
      source: 'node',
      subject: expect.stringContaining('CN=system:node:') as string,
    });

    cluster.store.plant(RESOURCE_KINDS.CertificateSigningRequest, {
      metadata: { name: 'csr-1' },
      status: { certificate: Buffer.from(pem).toString('base64') },
    });
    const gone = async (): Promise<never> => {
      throw new HostError({ code: 'SSH_UNREACHABLE', message: 'no route', subject: 'node02', hint: 'look' });
    };
    const name = /CN=system:node:(\S+)/.exec(own[0]?.client.source === 'node' ? own[0].client.subject : '')?.[1] ?? '';
    cluster.plantNode(name, { reportedAt: new Date().toISOString() });
    const later = await look(cluster, { openHost: gone }, new Date(Date.now() + 20 * 365 * 24 * 3600 * 1000));
    const found = later.find((each) => each.name === name);
    expect(found?.client).toMatchObject({ source: 'request' });
    expect(found?.problems.join()).toContain('the kubelet client certificate expired');
  });

  it('are listed despite malformed objects', async () => {
    const cluster = fakeCluster();
    const hostile = { conditions: 'x', addresses: [null, 3, { type: 7 }], nodeInfo: [] };
    cluster.store.plant(RESOURCE_KINDS.Node, {
      metadata: { name: 'a\u00a0b' },
      spec: { taints: ['x', {}] },
      status: hostile,
    });
    cluster.store.plant(RESOURCE_KINDS.CertificateSigningRequest, {
      metadata: { name: 'x' },
      status: { certificate: '!!' },
    });
    const kubeconfig = 'client-certificate: ../../etc/shadow\nclient-certificate: /other\n';
    const host = createFakeHost({ tree: treeOf({ '/etc/kubernetes/kubeconfig': kubeconfig }) });
    const [node] = await look(cluster, { openHost: async () => host });
    expect(node).toMatchObject({ isReadyNow: false, taints: [], client: { source: 'unknown' } });
  });
});
