import { type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, type LeafName, type StepCase, stepLaws } from '@kube-rescue/testing';
import { inspectCertificates } from '../inventory/inventory.ts';
import { embedKubeletCertificate, kubeadmNode, NOW } from '../kubeadm-node.fixture.ts';
import type { RenewalOptions } from './renewal-options.ts';
import { createRenewalSteps } from './renewal-steps.ts';

const clock = createFixedClock(NOW);

async function stepCase(
  expired: readonly LeafName[],
  options: RenewalOptions,
  edit?: Parameters<typeof kubeadmNode>[1],
): Promise<StepCase> {
  // One node for all attempts: a rebuilt node has other certificates.
  const { tree, input } = await kubeadmNode({ algorithm: 'ecdsa', expired }, edit);
  return {
    makeHost: async () => createFakeHost({ tree }),
    makePlaybook: (host: Host) => ({
      id: 'renewal',
      title: 'renew the certificates of this node',
      phases: [
        {
          id: 'renew',
          title: 'renew',
          steps: async () => {
            const inventory = await inspectCertificates(input, { host });
            return createRenewalSteps({ inventory, options }, { host, clock });
          },
        },
      ],
    }),
    clock,
    directories: [hostPath('/etc/kubernetes'), hostPath('/var/lib/kubelet')],
  };
}

stepLaws('renewal of a certificate file, a kubeconfig and the kubelet', () =>
  stepCase(['etcd/server', 'scheduler.conf', 'kubelet-client'], {}),
);
stepLaws('renewal with new keys', () =>
  stepCase(['apiserver', 'kubelet-client'], { newKeys: true }, embedKubeletCertificate),
);
