import { type ObjectSource, type OpenObjects, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Change, ChangeKind } from '@kube-rescue/workflow';
import type { Pod } from './pod.ts';

/** Deletes a pod whose controller replaces it. */
export interface PodRestart extends Change {
  readonly kind: 'pod.restart';
  /** For example `Pod kube-system/kube-dns-6d4b75cb6d-x2x7z`. */
  readonly target: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly way: ObjectSource;
}

export function podRestart(
  { namespace, name, uid }: Pick<Pod, 'namespace' | 'name' | 'uid'>,
  way: ObjectSource,
): PodRestart {
  return { kind: 'pod.restart', target: `Pod ${namespace}/${name}`, namespace, name, uid, way };
}

const ATTEMPTS = 10;

/**
 * `pod.restart`: recorded in the journal, but without an undo: the controller has replaced the pod and would delete a
 * restored one.
 */
export function createPodRestartKind(open: OpenObjects): ChangeKind<PodRestart> {
  const read = async ({ way, namespace, name }: PodRestart): Promise<StoredObject | undefined> =>
    (await open(way)).get({ kind: RESOURCE_KINDS.Pod, namespace, name });
  return {
    kind: 'pod.restart',
    undoOrder: 'reverse',
    describe: ({ target }) => `delete ${target}, which its controller replaces`,
    preflight: async () => undefined,
    // A pod that is already gone holds no CA.
    staleness: async () => undefined,
    capture: async () => ({}),
    apply: async (change) => {
      for (let attempt = 1; ; attempt += 1) {
        const present = await read(change);
        if (present?.object.metadata.uid !== change.uid || present.object.metadata['deletionTimestamp'] !== undefined)
          return;
        try {
          await (await open(change.way)).delete(present);
          return;
        } catch (error) {
          if (isRecoveryError(error, 'OBJECT_NOT_FOUND')) return;
          if (attempt === ATTEMPTS || !isRecoveryError(error, 'OBJECT_CONFLICT')) throw error;
        }
      }
    },
    undo: async () => ({ state: 'already' }),
  };
}
