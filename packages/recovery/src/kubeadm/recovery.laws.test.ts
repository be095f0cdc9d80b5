import { type Host, hostPath } from '@kube-rescue/host';
import { buildPki, createFakeHost, createFixedClock, stepLaws, treeOf } from '@kube-rescue/testing';
import { openNode } from '@kube-rescue/node';
import { createRecoveryPlaybook } from './recovery.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const clock = createFixedClock(NOW);

// A copy of a node: only the steps that change files.
stepLaws('recovery of a copied node', async () => {
  const expired = ['etcd/server', 'scheduler.conf', 'kubelet-client'] as const;
  const pki = await buildPki({ now: NOW, expired, algorithm: 'ecdsa' });
  const tree = new Map([...pki.tree, ...treeOf({ '/proc/uptime': '1000.00 1.00\n' })]);
  return {
    clock,
    directories: [hostPath('/etc'), hostPath('/var/lib/kubelet')],
    makeHost: async (): Promise<Host> => ({
      ...createFakeHost({ tree, services: { kubelet: 'stopped' } }),
      kind: 'copy',
    }),
    makePlaybook: (host) => createRecoveryPlaybook(openNode(NODE, { host, clock }), {}),
  };
});
