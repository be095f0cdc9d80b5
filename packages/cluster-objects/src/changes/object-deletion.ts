import { isRecoveryError } from '@kube-rescue/errors';
import type { ObjectStore } from '../object-store.ts';
import type { ObjectChange } from './object-changes.ts';
import { readTarget } from './object-targets.ts';

/** A terminating pod gets several status updates, each a new revision. */
const ATTEMPTS = 10;

/** Deletes the object of this uid; false when it is deleted or terminating already. */
export async function deleteTarget(
  store: ObjectStore,
  change: ObjectChange,
  uid: string | undefined,
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const present = await readTarget(store, change);
    if (present === undefined || present.object.metadata.uid !== uid) return false;
    // A pod deleted through the API stays, with this timestamp, until its kubelet has terminated it.
    if (present.object.metadata['deletionTimestamp'] !== undefined) return false;
    try {
      await store.delete(present);
      return true;
    } catch (error) {
      if (isRecoveryError(error, 'OBJECT_NOT_FOUND')) return false;
      if (attempt === ATTEMPTS || !isRecoveryError(error, 'OBJECT_CONFLICT')) throw error;
    }
  }
}
