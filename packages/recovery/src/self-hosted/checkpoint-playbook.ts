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
  /** New bytes of Secrets; default: the cached copies are updated from the cluster. */
  readonly contents?: CheckpointContents | undefined;
}

/**
 * Repairs the checkpoints on this node: lost parent pods, outdated cached copies, or Secrets in the cluster and in
 * the cache at once. Verifies that the API server stays up.
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
  return { id: 'manifests-checkpoint', title: 'Repair the checkpointed pods', phases: [phase] };
}
