import type { StoredObject } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';

const ATTEMPTS = 10;

/**
 * Changes an object by compare-and-swap while it is due: reads it again after a conflict, and does nothing once it is gone or no longer
 * due.
 *
 * @throws ObjectError `OBJECT_CONFLICT` after ten attempts; as `read` and `change`
 */
export async function changeWhileDue(input: {
  readonly read: () => Promise<StoredObject | undefined>;
  readonly isDue: (present: StoredObject) => boolean;
  readonly change: (present: StoredObject) => Promise<unknown>;
}): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const present = await input.read();
    if (present === undefined || !input.isDue(present)) return;
    try {
      await input.change(present);
      return;
    } catch (error) {
      if (isRecoveryError(error, 'OBJECT_NOT_FOUND')) return;
      if (attempt === ATTEMPTS || !isRecoveryError(error, 'OBJECT_CONFLICT')) throw error;
    }
  }
}
