import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { renderKubeadmConfig } from './kubeadm-config.ts';

const node = { name: 'cp1', address: '10.200.0.11', directory: hostPath('/labs/0a1b2c/cp1'), labId: '0a1b2c' };

describe('the kubeadm configuration of a node', () => {
  it('enables ECDSA keys only for a cluster with ECDSA keys', () => {
    expect(renderKubeadmConfig(node, 'ECDSA')).toContain('PublicKeysECDSA: true');
    expect(renderKubeadmConfig(node, 'RSA')).toContain('PublicKeysECDSA: false');
  });

  it('gives each kubelet a control group of its own', () => {
    expect(renderKubeadmConfig(node, 'RSA')).toContain('cgroupRoot: /kube-rescue-lab/0a1b2c/cp1\n');
  });
});
