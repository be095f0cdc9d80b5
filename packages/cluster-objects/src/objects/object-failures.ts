import { ObjectError } from '../errors.ts';
import { describeReference } from './object-name.ts';
import type { ObjectReference, StoredObject } from '../object-store.ts';

/** Which object was read. */
export function referenceOf({ kind, object }: StoredObject): ObjectReference {
  const { name, namespace } = object.metadata;
  return { kind, name, namespace };
}

// What every adapter of the port says alike.

export function objectNotFound(reference: ObjectReference): ObjectError {
  return new ObjectError({
    code: 'OBJECT_NOT_FOUND',
    message: 'there is no such object',
    subject: describeReference(reference),
    hint: 'check the name and the namespace, or read it again',
  });
}

export function objectExists(reference: ObjectReference): ObjectError {
  return new ObjectError({
    code: 'OBJECT_EXISTS',
    message: 'there is an object of this name',
    subject: describeReference(reference),
    hint: 'read it and replace it',
  });
}

export function objectConflict(reference: ObjectReference): ObjectError {
  return new ObjectError({
    code: 'OBJECT_CONFLICT',
    message: 'somebody has changed the object since it was read',
    subject: describeReference(reference),
    hint: 'read it again and repeat the edit',
  });
}

/**
 * Makes sure that nobody must clean up before an object may go.
 * @throws ObjectError `OBJECT_HAS_FINALIZERS`
 */
export function assertNoFinalizers(read: StoredObject): void {
  const { metadata, spec } = read.object;
  // A namespace has its own: what is in it would be left behind.
  const ofNamespace = (spec as { readonly finalizers?: readonly string[] } | undefined)?.finalizers ?? [];
  if ((metadata.finalizers ?? []).length + ofNamespace.length === 0) return;
  throw new ObjectError({
    code: 'OBJECT_HAS_FINALIZERS',
    message: 'others must clean up before the object may go',
    subject: describeReference(referenceOf(read)),
    hint: 'remove the finalizers that nobody will ever answer for, then delete it',
  });
}
