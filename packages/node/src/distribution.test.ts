import { hostPath } from '@kube-rescue/host';
import { buildPki, createFakeHost, createFixedClock, expectCode, type NodeTree, treeOf } from '@kube-rescue/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { assertRecoverable } from './layout.ts';
import { describeNode, type NodeDescription } from './node-description.ts';

let kubeadm: NodeTree;

beforeAll(async () => {
  kubeadm = (await buildPki()).tree;
});

function describeTree(tree: NodeTree): Promise<NodeDescription> {
  const options = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  return describeNode(options, { host: createFakeHost({ tree }), clock: createFixedClock('2026-11-22') });
}

describe('a node of another distribution is refused by name, with its own way', () => {
  it.each([
    ['RKE2', { '/var/lib/rancher/rke2/server/tls/server-ca.crt': 'pem' }, /rke2 certificate rotate/],
    ['RKE2', { '/etc/rancher/rke2/config.yaml': 'token: x' }, /rke2-server/],
    ['k3s', { '/var/lib/rancher/k3s/agent/kubelet.kubeconfig': 'x' }, /k3s certificate rotate/],
    ['RKE1', { '/etc/kubernetes/ssl/kube-ca.pem': 'pem' }, /rke cert rotate/],
    ['MicroK8s', { '/var/snap/microk8s/current/certs/ca.crt': 'pem' }, /microk8s refresh-certs/],
    ['k0s', { '/var/lib/k0s/pki/ca.crt': 'pem' }, /k0scontroller/],
    ['Talos', { '/etc/os-release': 'NAME="Talos"\nID=talos\n' }, /talosctl/],
  ])('%s', async (name, files, way) => {
    const error = await expectCode(describeTree(treeOf(files)), 'LAYOUT_UNSUPPORTED');
    expect(error.message).toContain(`a node of ${name}:`);
    expect(error.hint).toMatch(way);
  });

  it.each([
    ['OpenShift', 'kube-apiserver-pod.yaml', '/etc/kubernetes/static-pod-resources/x/revision', /oc adm certificate/],
    ['kOps', 'kube-apiserver.manifest', '/opt/kops/conf/kube_env.yaml', /kops rolling-update/],
  ])('%s, although it has static pods of an API server', async (name, manifest, sign, way) => {
    const tree = new Map([...kubeadm, ...treeOf({ [sign]: 'x' })]);
    const old = hostPath('/etc/kubernetes/manifests/kube-apiserver.yaml');
    const pod = tree.get(old);
    if (pod === undefined) throw new Error('the node has no API server');
    tree.delete(old);
    tree.set(hostPath(`/etc/kubernetes/manifests/${manifest}`), pod);
    const description = await describeTree(tree);
    const error = await expectCode(
      Promise.resolve().then(() => assertRecoverable(description)),
      'LAYOUT_UNSUPPORTED',
    );
    expect(error.message).toContain(`a node of ${name}:`);
    expect(error.hint).toMatch(way);
  });

  it('and so is a control plane of services', async () => {
    const unit = '/etc/systemd/system/kube-apiserver.service';
    const tree = treeOf({
      [unit]: '[Service]\nExecStart=/usr/local/bin/kube-apiserver',
      '/etc/kubernetes/config/x': '',
    });
    const error = await expectCode(describeTree(tree), 'LAYOUT_UNSUPPORTED');
    expect(error.subject).toBe(unit);
    expect(error.hint).toContain('certs inspect');
  });
});

describe('a kubeadm node is not refused', () => {
  it.each([
    ['for what an uninstalled distribution left', { '/etc/rancher/rke2/config.yaml': 'token: x' }],
    ['on any system', { '/etc/os-release': 'ID=debian\n' }],
  ])('%s', async (_title, files) => {
    const description = await describeTree(new Map([...kubeadm, ...treeOf(files)]));
    expect(() => {
      assertRecoverable(description);
    }).not.toThrow();
  });
});
