import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import {
  type CheckpointContents,
  createCheckpointContentsStep,
  createCheckpointParentsStep,
  createCheckpointStabilityStep,
} from '@kube-rescue/static-manifests';
import type { Playbook, Step } from '@kube-rescue/workflow';
import { CONTENTS, PARENTS } from '../step-ids.ts';
import type { Node } from '@kube-rescue/node';

export interface CheckpointPlaybookInput {
  /** Secrets that are to hold other bytes; default: the cached copies become what the cluster holds. */
  readonly contents?: CheckpointContents | undefined;
}

/**
 * Mends what a pod checkpointer keeps on this node, by itself: lost parent pods, cached copies that are not what the cluster
 * holds, or Secrets in both places at once. Proves that the API server stays after it.
 */
export function createCheckpointPlaybook(
  opened: Node,
  { contents }: CheckpointPlaybookInput,
  objects: ObjectAccess,
): Playbook {
  const wanted = contents === undefined ? undefined : async (): Promise<CheckpointContents> => contents;
  const phase = opened.phase({
    id: 'checkpoint',
    title: 'Checkpointed pods',
    steps: (node, { checkpoints }) => {
      const directory = checkpoints.directories.active;
      const { kubeletService } = node.options;
      const deps = { host: node.host, clock: node.clock, objects };
      return [
        createCheckpointParentsStep({ requires: [], directory }, deps),
        createCheckpointContentsStep({ requires: [PARENTS], directory, kubeletService, wanted }, deps),
        createCheckpointStabilityStep({ requires: [CONTENTS], directory, kubeletService, wanted }, deps),
      ] as readonly Step[];
    },
  });
  return { id: 'manifests-checkpoint', title: 'Mend what the pod checkpointer keeps', phases: [phase] };
}
