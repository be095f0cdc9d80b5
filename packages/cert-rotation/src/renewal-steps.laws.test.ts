import { type Host, hostPath } from '@kube-rescue/host';
import { createFixedClock, LEAF_NAMES, stepLaws } from '@kube-rescue/testing';
import type { Playbook } from '@kube-rescue/workflow';
import { createFakeHost } from '@kube-rescue/testing';
import { inspectCertificates } from './inventory.ts';
import { kubeadmNode, NOW } from './kubeadm-node.fixture.ts';
import type { RenewalOptions } from './renewal-options.ts';
import { createRenewalSteps } from './renewal-steps.ts';

const clock = createFixedClock(NOW);

async function stepCase(expired: readonly (typeof LEAF_NAMES)[number][], options: RenewalOptions) {
  const { pki, input } = await kubeadmNode({ algorithm: 'ecdsa', expired });
  const makePlaybook = (host: Host): Playbook => ({
    id: 'renewal',
    title: 'renew certificates',
    phases: [
      {
        id: 'renew',
        title: 'renew',
        steps: async () =>
          createRenewalSteps({ inventory: await inspectCertificates(input, { host }), options }, { host, clock }),
      },
    ],
  });
  return {
    makeHost: async () => createFakeHost({ tree: pki.tree }),
    makePlaybook,
    clock,
    folders: [hostPath('/etc/kubernetes'), hostPath('/var/lib/kubelet')],
  };
}

stepLaws('the renewal of every expired certificate', () => stepCase(LEAF_NAMES, {}));
stepLaws('a renewal with new keys', () => stepCase(['apiserver', 'scheduler.conf', 'kubelet-client'], { newKeys: true }));
