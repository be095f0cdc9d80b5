import type { Node } from '@kube-rescue/node';
import {
  createLeaseReleaseStep,
  type ElectedComponent,
  leaderLockOf,
  type LockWatch,
} from '@kube-rescue/pod-bootstrap';
import type { Step, StepId } from '@kube-rescue/workflow';
import { readHolderMachine } from '../gates/holder-machine.ts';
import { whenAnswering } from '../objects/answering-objects.ts';
import { LOCKS } from '../step-ids.ts';

const POD_NAMESPACE = 'kube-system';

/** Takes the locks of kube-controller-manager and kube-scheduler from processes of this node that the restart has ended. */
export async function createLocksStep(watch: LockWatch, node: Node, requires: readonly StepId[]): Promise<Step> {
  const elected = async (): Promise<readonly ElectedComponent[]> => {
    const { components } = await node.describe();
    return (['kube-controller-manager', 'kube-scheduler'] as const).flatMap((component) => {
      const flags = components.find((each) => each.component === component)?.flags ?? new Map<string, string>();
      const lock = leaderLockOf(component, (flag) => flags.get(flag));
      return lock === undefined ? [] : [{ component, lock, podNamespace: POD_NAMESPACE }];
    });
  };
  const machine = await readHolderMachine(node);
  const access = whenAnswering(node.objects.access({ via: 'api', search: {} }), node);
  return createLeaseReleaseStep({ id: LOCKS, requires, elected, machine, watch }, { ...node, access });
}
