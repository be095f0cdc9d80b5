import { type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, type StepCase, stepLaws } from '@kube-rescue/testing';
import { kubeadmNode, NOW, putFile } from '../kubeadm-node.fixture.ts';
import { scratchSteps } from './scratch-case.fixture.ts';

const LOST = ['apiserver', 'scheduler.conf', 'kubelet-client'] as const;

async function stepCase(): Promise<StepCase> {
  const { tree, input } = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
    putFile(files, '/etc/kubernetes/pki/apiserver.crt', '', 0o644);
    putFile(files, '/etc/kubernetes/scheduler.conf', '');
    const link = files.get(hostPath('/var/lib/kubelet/pki/kubelet-client-current.pem'));
    if (link?.kind === 'link') files.delete(hostPath(link.target));
  });
  return {
    makeHost: async () => createFakeHost({ tree }),
    makePlaybook: (host: Host) => ({
      id: 'scratch',
      title: 'make lost files from scratch',
      phases: [{ id: 'make', title: 'make', steps: () => scratchSteps({ host, input: { ...input, only: LOST } }) }],
    }),
    clock: createFixedClock(NOW),
    directories: [hostPath('/etc/kubernetes'), hostPath('/var/lib/kubelet')],
  };
}

stepLaws('lost files that are made from scratch', stepCase);
