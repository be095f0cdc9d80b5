import { type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, type NodeTree, readTree, type StepCase } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import type { CaId } from '../inventory/catalogue.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { directJournal, kubeadmComponents, kubeadmNode, NOW } from '../kubeadm-node.fixture.ts';
import { createIssueRenewalSteps } from './issue-renewals.ts';
import { createIssueStageStep } from './issue-stage.ts';
import type { RotationContext } from './rotation-file-step.ts';
import { createTrustStageStep } from './trust-stage.ts';

const clock = createFixedClock(NOW);
const DIRECTORIES = ['/etc/kubernetes', '/var/lib/kubelet'].map((directory) => hostPath(directory));
const { signal } = new AbortController();

/** The certificates that the issue stage renews. */
export async function issueRenewals(context: RotationContext): Promise<readonly Step[]> {
  const host = context.host as Host;
  const inventory = await inspectCertificates(await context.inspection(), { host });
  return createIssueRenewalSteps({ inventory, options: {} }, context, { host, clock });
}

/** A kubeadm node for the step laws, before a rotation or after its issue stage. */
export async function rotationCase(
  ca: CaId,
  stage: 'settled' | 'issue',
  makeSteps: (context: RotationContext) => Promise<readonly Step[]>,
): Promise<StepCase> {
  const { tree, input } = await kubeadmNode({ algorithm: 'ecdsa' });
  // A node without kubelet and scheduler has fewer files to read at each of many checks.
  const components = kubeadmComponents(ca === 'etcd' ? { 'kube-scheduler': undefined, kubelet: undefined } : {});
  const contextOn = (host: Host): RotationContext => ({
    ca,
    inspection: async () => ({ ...input, components }),
    host,
    clock,
  });
  const start = stage === 'settled' ? tree : await issued(contextOn, createFakeHost({ tree }));
  return {
    makeHost: async () => createFakeHost({ tree: start }),
    makePlaybook: (host) => {
      const phase = { id: 'pki', title: 'pki', steps: () => makeSteps(contextOn(host)) };
      return { id: 'rotation', title: 'rotate', phases: [phase] };
    },
    clock,
    directories: DIRECTORIES,
  };
}

/** The node after the first two stages. */
async function issued(contextOn: (host: Host) => RotationContext, host: Host): Promise<NodeTree> {
  const context = contextOn(host);
  const stages = [createTrustStageStep({}, context), createIssueStageStep(context)] as readonly Step[];
  for (const step of [...stages, ...(await issueRenewals(context))]) {
    await step.apply(step.plan(await step.check(signal)), directJournal(host), signal);
  }
  const trees = await Promise.all(DIRECTORIES.map((directory) => readTree(host, directory)));
  return new Map(trees.flatMap((each) => [...each]));
}
