import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { KUBELET_DROP_INS, renderJoinConfig, renderKubeadmConfig, renderKubeletDropIn } from './kubeadm-config.ts';
import { KUBERNETES_RELEASES, type KubernetesRelease } from './kubernetes-release.ts';

const node = { name: 'cp1', address: '10.200.0.11', directory: hostPath('/labs/0a1b2c/cp1'), labId: '0a1b2c' };
const { '1.37': newest, '1.34': middle, '1.20': oldest } = KUBERNETES_RELEASES;

const render = (keyAlgorithm: 'RSA' | 'ECDSA', release: KubernetesRelease): string =>
  renderKubeadmConfig({ node, keyAlgorithm, release });

describe('the kubeadm configuration of a node', () => {
  it('enables ECDSA keys only for a cluster with ECDSA keys', () => {
    expect(render('ECDSA', oldest)).toContain('PublicKeysECDSA: true');
    expect(render('RSA', oldest)).toContain('PublicKeysECDSA: false');
    expect(render('ECDSA', newest)).toContain('encryptionAlgorithm: ECDSA-P256\n');
    expect(render('RSA', newest)).toContain('encryptionAlgorithm: RSA-2048\n');
  });

  it('gives each kubelet a control group of its own', () => {
    expect(render('RSA', newest)).toContain('cgroupRoot: /kube-rescue-lab/0a1b2c/cp1\n');
  });

  it('is of the API version that the kubeadm of the release reads', () => {
    expect(render('RSA', oldest)).toMatch(/v1beta2\n[^]*v1beta2\n/);
    expect(render('RSA', middle)).toMatch(/v1beta4\n[^]*v1beta4\n/);
    expect(render('RSA', newest)).not.toContain('featureGates');
  });

  it('lets a kubelet start on version 1 control groups, which 1.34 does and 1.20 does not know', () => {
    expect(render('RSA', newest)).toContain('failCgroupV1: false\n');
    expect(render('RSA', oldest)).not.toContain('failCgroupV1');
  });

  it('names the images that the lab loads', () => {
    expect(render('RSA', newest)).toContain('imageRepository: registry.k8s.io\n');
    expect(render('RSA', newest)).toContain('imageTag: 3.7.0-0\n');
  });

  it('with addons leaves to the drop-in of each kubelet what differs from node to node', () => {
    const config = renderKubeadmConfig({ node, keyAlgorithm: 'RSA', release: newest, hasAddons: true });
    expect(config).not.toContain('cgroupRoot');
    expect(config).toContain(`- name: config-dir\n      value: ${KUBELET_DROP_INS}\n`);
    const dropIn = renderKubeletDropIn(node, { requestsServing: true });
    expect(dropIn).toContain('cgroupRoot: /kube-rescue-lab/0a1b2c/cp1\n');
    expect(dropIn).toContain('serverTLSBootstrap: true\n');
  });

  it('names the endpoint of several API servers, and leaves the same to the drop-ins', () => {
    const config = renderKubeadmConfig({ node, keyAlgorithm: 'RSA', release: newest, endpoint: 'api.lab:6443' });
    expect(config).toContain('controlPlaneEndpoint: api.lab:6443\n');
    expect(config).not.toContain('cgroupRoot');
    expect(config).toContain('config-dir');
    expect(render('RSA', newest)).not.toContain('controlPlaneEndpoint');
    expect(renderKubeletDropIn(node, { requestsServing: false })).not.toContain('serverTLSBootstrap');
  });
});

describe('the configuration of a node that joins', () => {
  const join = { server: 'api.lab:6443', token: 'abcdef.0123456789abcdef', caHash: 'sha256:00' } as const;

  it('has an API server of its own only for a control plane', () => {
    expect(renderJoinConfig(node, { ...join, as: 'control plane' })).toContain('advertiseAddress: 10.200.0.11\n');
    expect(renderJoinConfig(node, { ...join, as: 'worker' })).not.toContain('controlPlane');
  });
});
