import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { renderKubeadmConfig } from './kubeadm-config.ts';
import { KUBERNETES_RELEASES } from './kubernetes-release.ts';

const node = { name: 'cp1', address: '10.200.0.11', directory: hostPath('/labs/0a1b2c/cp1'), labId: '0a1b2c' };
const { '1.37': newest, '1.34': middle, '1.20': oldest } = KUBERNETES_RELEASES;

describe('the kubeadm configuration of a node', () => {
  it('enables ECDSA keys only for a cluster with ECDSA keys', () => {
    expect(renderKubeadmConfig(node, 'ECDSA', oldest)).toContain('PublicKeysECDSA: true');
    expect(renderKubeadmConfig(node, 'RSA', oldest)).toContain('PublicKeysECDSA: false');
    expect(renderKubeadmConfig(node, 'ECDSA', newest)).toContain('encryptionAlgorithm: ECDSA-P256\n');
    expect(renderKubeadmConfig(node, 'RSA', newest)).toContain('encryptionAlgorithm: RSA-2048\n');
  });

  it('gives each kubelet a control group of its own', () => {
    expect(renderKubeadmConfig(node, 'RSA', newest)).toContain('cgroupRoot: /kube-rescue-lab/0a1b2c/cp1\n');
  });

  it('is of the API version that the kubeadm of the release reads', () => {
    expect(renderKubeadmConfig(node, 'RSA', oldest)).toMatch(/v1beta2\n[^]*v1beta2\n/);
    expect(renderKubeadmConfig(node, 'RSA', middle)).toMatch(/v1beta4\n[^]*v1beta4\n/);
    expect(renderKubeadmConfig(node, 'RSA', newest)).not.toContain('featureGates');
  });

  it('lets a kubelet start on version 1 control groups, which 1.34 does and 1.20 does not know', () => {
    expect(renderKubeadmConfig(node, 'RSA', newest)).toContain('failCgroupV1: false\n');
    expect(renderKubeadmConfig(node, 'RSA', oldest)).not.toContain('failCgroupV1');
  });

  it('names the images that the lab loads', () => {
    expect(renderKubeadmConfig(node, 'RSA', newest)).toContain('imageRepository: registry.k8s.io\n');
    expect(renderKubeadmConfig(node, 'RSA', newest)).toContain('imageTag: 3.7.0-0\n');
  });
});
