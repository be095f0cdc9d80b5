import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { CONTROL_PLANE, WORKER } from './layout.ts';
import { renderEtcdUnit, renderKubeletUnit } from './units.ts';

const machine = (at: { name: string; address: string }) => ({
  node: { ...at, directory: hostPath('/lab/node'), labId: '0a1b2c' },
  binaries: hostPath('/opt/kubernetes'),
});

describe('a unit file of the self-hosted lab', () => {
  it('registers the control-plane node with its taint, and the worker without', () => {
    expect(renderKubeletUnit(machine(CONTROL_PLANE))).toContain(
      '--register-with-taints=node-role.kubernetes.io/master=:NoSchedule',
    );
    expect(renderKubeletUnit(machine(WORKER))).not.toContain('taints');
  });

  it('quotes flags that a shell would read as a redirection', () => {
    expect(renderKubeletUnit(machine(WORKER))).toMatch(/^ {2}"--eviction-hard=imagefs\.available<0%.*" \\$/m);
  });

  it('requires client certificates for etcd', () => {
    expect(renderEtcdUnit()).toContain('--client-cert-auth=true');
  });
});
