import { type KubernetesObject, type ObjectStore, type StoredObject } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Edit, StepJournal } from '@kube-rescue/workflow';
import { CSR, isPending } from './request-state.ts';

const ATTEMPTS = 5;

/**
 * Approves one request, read again before each attempt: another client may write it at the same time, answer it or replace it. Does
 * nothing when it is not pending any more, or not the one that was judged.
 */
export async function approveAgain(
  name: string,
  {
    store,
    isWanted,
    approve,
    journal,
  }: {
    readonly store: Pick<ObjectStore, 'get'>;
    readonly isWanted: (object: KubernetesObject) => boolean;
    readonly approve: (read: StoredObject) => Edit;
    readonly journal: StepJournal;
  },
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const read = await store.get({ kind: CSR, name }, { signal });
    if (read === undefined || !isPending(read.object) || !isWanted(read.object)) return;
    try {
      await journal.perform([approve(read)]);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !isRecoveryError(error, 'PLAN_STALE', 'OBJECT_CONFLICT')) throw error;
    }
  }
}
