import { isRecoveryError } from '@kube-rescue/errors';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { objectNotFound } from '../objects/object-failures.ts';
import type { ObjectReference, ObjectStore, ObjectWriteOptions, StoredObject } from '../object-store.ts';

const ATTEMPTS = 20;

/**
 * Reads, edits and replaces an object; starts again on conflict.
 *
 * Writes nothing when `edit` returns its argument.
 * @param edit pure; called once per attempt
 * @throws ObjectError `OBJECT_NOT_FOUND`; `OBJECT_CONFLICT` after twenty conflicts in a row; those of `replace`
 */
export async function changeObject(
  store: ObjectStore,
  reference: ObjectReference,
  edit: (object: KubernetesObject) => KubernetesObject,
  options: ObjectWriteOptions = {},
): Promise<StoredObject> {
  for (let attempt = 1; ; attempt += 1) {
    const read = await store.get(reference, options);
    if (read === undefined) throw objectNotFound(reference);
    const edited = edit(read.object);
    if (edited === read.object) return read;
    try {
      return await store.replace(read, edited, options);
    } catch (error) {
      if (attempt === ATTEMPTS || !isRecoveryError(error, 'OBJECT_CONFLICT')) throw error;
    }
  }
}
