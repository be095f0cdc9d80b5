import { type ObjectAccess, ObjectError } from '@kube-rescue/cluster-objects';
import type { Node } from '@kube-rescue/node';
import {
  createLeaseReleaseStep,
  type ElectedComponent,
  leaderLockOf,
  type LockWatch,
} from '@kube-rescue/pod-bootstrap';
import type { Step, StepId } from '@kube-rescue/workflow';
import { readHolderMachine } from '../gates/holder-machine.ts';
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

/** The objects of an API server that answers: a plan asks a silent one only once, and a connection to its objects would ask again. */
function whenAnswering(objects: ObjectAccess, { api }: Pick<Node, 'api'>): ObjectAccess {
  return {
    ...objects,
    open: async (signal) => {
      const reading = await api.read('/readyz', signal);
      if (reading.state === 'answered') return objects.open(signal);
      throw new ObjectError({
        code: 'OBJECT_STORE_UNREACHABLE',
        message: `the API server does not answer: ${reading.reason}`,
        subject: 'API server',
        hint: "see the log of the API server's container",
      });
    },
  };
}
