import { isRecoveryError } from '@kube-rescue/errors';
import { changeObject } from './change-object.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { referenceOf } from '../objects/object-failures.ts';
import type { ObjectListOptions, ObjectStore, StoredObject } from '../object-store.ts';
import type { ResourceKind } from '../objects/resource-kind.ts';

export interface ChangeObjectsOptions extends ObjectListOptions {
  /** Concurrent writes. Default: 32. */
  readonly concurrency?: number | undefined;
}

/** Counts of changed and unchanged objects. */
export interface ChangedObjects {
  readonly changed: number;
  /** Up to date already, or deleted meanwhile. */
  readonly unchanged: number;
}

const DEFAULT_CONCURRENCY = 32;

/**
 * Edits every object of a kind, several at a time; on conflict an object is read and edited again.
 *
 * Stops at the first failure: earlier objects have been changed, so repeat the call once the failure is fixed. Objects
 * created meanwhile may be missed.
 * @param edit pure; returns its argument to leave an object unchanged
 * @throws ObjectError as `list` and `replace` do
 */
export async function changeObjects(
  store: ObjectStore,
  kind: ResourceKind,
  edit: (object: KubernetesObject) => KubernetesObject,
  { concurrency = DEFAULT_CONCURRENCY, ...listing }: ChangeObjectsOptions = {},
): Promise<ChangedObjects> {
  let changed = 0;
  let unchanged = 0;
  const failures: unknown[] = [];
  const underWay = new Set<Promise<void>>();
  const change = async (read: StoredObject): Promise<void> => {
    if (await changeOne(store, read, edit, listing)) changed += 1;
    else unchanged += 1;
  };
  for await (const read of store.list(kind, listing)) {
    const write: Promise<void> = change(read)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(write));
    underWay.add(write);
    if (underWay.size >= concurrency) await Promise.race(underWay);
    if (failures.length > 0) break;
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw failures[0];
  return { changed, unchanged };
}

/** Whether the object was changed. */
async function changeOne(
  store: ObjectStore,
  read: StoredObject,
  edit: (object: KubernetesObject) => KubernetesObject,
  { signal }: ObjectListOptions,
): Promise<boolean> {
  const edited = edit(read.object);
  if (edited === read.object) return false;
  try {
    await store.replace(read, edited, { signal });
    return true;
  } catch (error) {
    if (isRecoveryError(error, 'OBJECT_NOT_FOUND')) return false;
    if (!isRecoveryError(error, 'OBJECT_CONFLICT')) throw error;
  }
  let isEdited = false;
  const again = (object: KubernetesObject): KubernetesObject => {
    const next = edit(object);
    isEdited = next !== object;
    return next;
  };
  await changeObject(store, referenceOf(read), again, { signal });
  return isEdited;
}
