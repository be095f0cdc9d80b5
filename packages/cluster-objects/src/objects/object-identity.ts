import { ObjectError } from '../errors.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { referenceOf } from './object-failures.ts';
import { describeReference } from './object-name.ts';
import type { StoredObject } from '../object-store.ts';

/** Fields that identify an object and cannot be edited. */
const METADATA = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp'] as const;

/**
 * Checks that `edited` has the identity of the object that was read.
 * @throws ObjectError `OBJECT_INVALID`
 */
export function assertSameIdentity(read: StoredObject, edited: KubernetesObject): void {
  const before = read.object;
  const field =
    (['apiVersion', 'kind'] as const).find((name) => before[name] !== edited[name]) ??
    METADATA.find((name) => before.metadata[name] !== edited.metadata[name]);
  if (field === undefined) return;
  throw new ObjectError({
    code: 'OBJECT_INVALID',
    message: `${field} cannot be edited`,
    subject: describeReference(referenceOf(read)),
    hint: 'edit the object that was read, or create another',
  });
}
