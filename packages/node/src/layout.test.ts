import { hostPath } from '@kube-rescue/host';
import { buildPki, createFakeHost, createFixedClock, expectCode, type NodeTree } from '@kube-rescue/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeNode } from './node-description.ts';
import { assertSingleKubeadmNode } from './layout.ts';

const MANIFESTS = '/etc/kubernetes/manifests';
let good: NodeTree;

beforeAll(async () => {
  good = (await buildPki()).tree;
});

/** Judges the good node with one manifest edited or removed. */
async function judge(manifest: string, edit: (source: string) => string | undefined): Promise<void> {
  const path = hostPath(`${MANIFESTS}/${manifest}`);
  const tree = new Map(good);
  const entry = tree.get(path);
  if (entry?.kind !== 'file') throw new Error(`no ${path} to edit`);
  const edited = edit(Buffer.from(entry.bytes).toString());
  if (edited === undefined) tree.delete(path);
  else tree.set(path, { ...entry, bytes: Buffer.from(edited) });
  const options = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  const node = await describeNode(options, { host: createFakeHost({ tree }), clock: createFixedClock('2026-11-22') });
  assertSingleKubeadmNode(node);
}

describe('the layout of a node', () => {
  it('is accepted when it is one kubeadm control-plane node with its own etcd', async () => {
    await expect(judge('etcd.yaml', (source) => source)).resolves.toBeUndefined();
  });

  it('is refused when etcd runs on another machine', async () => {
    const error = await expectCode(
      judge('etcd.yaml', () => undefined),
      'LAYOUT_UNSUPPORTED',
    );
    expect(error.message).toContain('etcd runs on another machine');
  });

  it('is refused when etcd has several members', async () => {
    const edit = (source: string): string =>
      source.replace(/--initial-cluster=\S+/, '$&,node02=https://10.9.0.12:2380');
    const error = await expectCode(judge('etcd.yaml', edit), 'LAYOUT_UNSUPPORTED');
    expect(error.message).toContain('several members');
  });

  it('is refused when the API server uses several etcd members', async () => {
    const edit = (source: string): string => source.replace(/--etcd-servers=\S+/, '$&,https://10.9.0.12:2379');
    await expectCode(judge('kube-apiserver.yaml', edit), 'LAYOUT_UNSUPPORTED');
  });

  it('is unknown without an API server, and with an incomplete control plane', async () => {
    await expectCode(
      judge('kube-apiserver.yaml', () => undefined),
      'LAYOUT_UNKNOWN',
    );
    const error = await expectCode(
      judge('kube-scheduler.yaml', () => undefined),
      'LAYOUT_UNKNOWN',
    );
    expect(error.message).toContain('kube-scheduler');
  });

  it('is not judged by a manifest that cannot be parsed', async () => {
    const error = await expectCode(
      judge('kube-scheduler.yaml', () => 'kind: [Pod'),
      'MANIFEST_INVALID',
    );
    expect(error.subject).toContain('kube-scheduler.yaml');
  });
});

describe('a node in another directory', () => {
  const host = (move: (path: string) => string) =>
    createFakeHost({
      tree: new Map(
        [...good]
          .filter(([path]) => !path.includes('/var/lib/kubelet/config'))
          .map(([path, file]) => [hostPath(move(path)), file]),
      ),
    });
  const describeAt = (options: object, move: (path: string) => string) =>
    describeNode(
      { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet', ...options },
      { host: host(move), clock: createFixedClock('2026-11-22') },
    );
  const toSrv = (path: string): string => path.replace('/etc/kubernetes', '/srv/kubernetes');

  it('has its static pods and kubeconfigs there', async () => {
    const options = { kubernetesDirectory: hostPath('/srv/kubernetes') };
    const { staticPods, kubelet, adminKubeconfig } = await describeAt(options, toSrv);
    expect(staticPods).toMatchObject({ directory: '/srv/kubernetes/manifests', pods: expect.any(Array) });
    expect(staticPods.pods.length).toBe(4);
    expect([kubelet.kubeconfig, adminKubeconfig]).toEqual([
      '/srv/kubernetes/kubelet.conf',
      '/srv/kubernetes/admin.conf',
    ]);
    await expectCode(describeAt({}, toSrv), 'NODE_NOT_FOUND');
  });

  it('has its static pods where the operator says', async () => {
    const move = (path: string): string => path.replace('/etc/kubernetes/manifests', '/srv/pods');
    const { staticPods } = await describeAt({ manifestsDirectory: hostPath('/srv/pods') }, move);
    expect(staticPods.pods.length).toBe(4);
  });

  it('is no node at all where etcd is named', async () => {
    const { components, staticPods } = await describeNode(
      { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet', mayBeNoNode: true },
      { host: createFakeHost(), clock: createFixedClock('2026-11-22') },
    );
    expect(staticPods.pods).toEqual([]);
    expect(components.map(({ component }) => component)).toEqual(['kubelet']);
  });
});
