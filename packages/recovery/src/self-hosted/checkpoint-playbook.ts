import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import {
  type CheckpointContents,
  createCheckpointContentsStep,
  createCheckpointParentsStep,
  createCheckpointStabilityStep,
} from '@kube-rescue/static-manifests';
import type { Playbook } from '@kube-rescue/workflow';
import { describeNode, type NodeDeps, type NodeOptions } from '@kube-rescue/node';

export interface CheckpointPlaybookInput extends NodeOptions {
  /** Secrets that are to hold other bytes; default: the cached copies become what the cluster holds. */
  readonly contents?: CheckpointContents | undefined;
}

/**
 * Mends what a pod checkpointer keeps on this node, by itself: lost parent pods, cached copies that are not what the cluster
 * holds, or Secrets in both places at once. Proves that the API server stays after it.
 */
export function createCheckpointPlaybook(
  { contents, ...options }: CheckpointPlaybookInput,
  deps: NodeDeps & { readonly objects: ObjectAccess },
): Playbook {
  const wanted = contents === undefined ? undefined : async (): Promise<CheckpointContents> => contents;
  return {
    id: 'manifests-checkpoint',
    title: 'Mend what the pod checkpointer keeps',
    phases: [
      {
        id: 'checkpoint',
        title: 'Checkpointed pods',
        steps: async () => {
          const { checkpoints } = await describeNode(options, deps);
          const directory = checkpoints.folders.active;
          const { kubeletService } = options;
          return [
            createCheckpointParentsStep({ requires: [], directory }, deps),
            createCheckpointContentsStep({ requires: ['checkpoint/parents'], directory, kubeletService, wanted }, deps),
            createCheckpointStabilityStep(
              { requires: ['checkpoint/contents'], directory, kubeletService, wanted },
              deps,
            ),
          ];
        },
      },
    ],
  };
}
