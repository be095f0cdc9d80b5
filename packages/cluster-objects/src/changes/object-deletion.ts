import { isRecoveryError } from '@kube-rescue/errors';
import type { ObjectStore } from '../object-store.ts';
import type { ObjectChange } from './object-changes.ts';
import { readTarget } from './object-targets.ts';

/** A pod that ends gets a new status, and with it a new revision, several times. */
const ATTEMPTS = 10;

/** Deletes the object of this uid; false when it is gone or going already. */
export async function deleteTarget(
  store: ObjectStore,
  change: ObjectChange,
  uid: string | undefined,
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const present = await readTarget(store, change);
    if (present === undefined || present.object.metadata.uid !== uid) return false;
    // Through the API a pod stays, marked so, until its kubelet has ended it.
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
