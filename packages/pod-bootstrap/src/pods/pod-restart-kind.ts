import { type ObjectSource, type OpenObjects, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import type { Change, ChangeKind } from '@kube-rescue/workflow';
import { changeWhileDue } from '../controllers/change-while-due.ts';
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
    apply: (change) =>
      changeWhileDue({
        read: () => read(change),
        isDue: ({ object: { metadata } }) => metadata.uid === change.uid && metadata['deletionTimestamp'] === undefined,
        change: async (present) => (await open(change.way)).delete(present),
      }),
    undo: async () => ({ state: 'already' }),
  };
}
