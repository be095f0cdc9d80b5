import { hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, readTree, type StepCase, stepLaws } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import { directJournal, kubeadmNode, NOW } from '../kubeadm-node.fixture.ts';
import { createDropKeyStep, createPublishStep, createSignStep, type TokenKeyContext } from './token-key-stages.ts';

const { signal } = new AbortController();

const steps = (context: TokenKeyContext) =>
  [createPublishStep({}, context), createSignStep(context), createDropKeyStep({ requires: [] }, context)] as const;

async function stageCase(stages: 'begin' | 'end'): Promise<StepCase> {
  const node = await kubeadmNode({ algorithm: 'ecdsa' });
  const contextOn = (host: TokenKeyContext['host']): TokenKeyContext => ({
    components: async () => node.input.components,
    host,
  });
  if (stages === 'end') {
    for (const step of steps(contextOn(node.host)).slice(0, 2) as readonly Step[]) {
      await step.apply(step.plan(await step.check(signal)), directJournal(node.host), signal);
    }
  }
  const directory = hostPath('/etc/kubernetes');
  const tree = await readTree(node.host, directory);
  return {
    makeHost: async () => createFakeHost({ tree }),
    makePlaybook: (host) => {
      const [publish, sign, drop] = steps(contextOn(host));
      const made = stages === 'begin' ? [publish, sign] : [drop];
      return { id: 'token-keys', title: 'rotate', phases: [{ id: 'keys', title: 'keys', steps: async () => made }] };
    },
    clock: createFixedClock(NOW),
    directories: [directory],
  };
}

stepLaws('publish and sign stages of the key of service account tokens', () => stageCase('begin'));
stepLaws('drop stage of the key of service account tokens', () => stageCase('end'));
