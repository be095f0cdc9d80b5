import { isRecoveryError, printable } from '@kube-rescue/errors';
import { ObjectError } from '../errors.ts';
import { describeReference } from './object-name.ts';
import type { ObjectReference, StoredObject } from '../object-store.ts';

/** The reference of an object that was read. */
export function referenceOf({ kind, object }: StoredObject): ObjectReference {
  const { name, namespace } = object.metadata;
  return { kind, name, namespace };
}

// Errors common to all adapters of the port.

export function objectNotFound(reference: ObjectReference): ObjectError {
  return new ObjectError({
    code: 'OBJECT_NOT_FOUND',
    message: 'object not found',
    subject: describeReference(reference),
    hint: 'check the name and the namespace, or read it again',
  });
}

export function objectExists(reference: ObjectReference): ObjectError {
  return new ObjectError({
    code: 'OBJECT_EXISTS',
    message: 'an object of this name exists already',
    subject: describeReference(reference),
    hint: 'read it and replace it',
  });
}

export function objectConflict(reference: ObjectReference): ObjectError {
  return new ObjectError({
    code: 'OBJECT_CONFLICT',
    message: 'the object was modified since it was read',
    subject: describeReference(reference),
    hint: 'read it again and repeat the edit',
  });
}

/** One line for an object that a listing passed over (`onUnreadable`): the object and the reason. */
export function describeUnreadable(failure: Error): string {
  const subject = isRecoveryError(failure) && failure.subject !== undefined ? `${failure.subject}: ` : '';
  return printable(`${subject}${failure.message}`);
}

/**
 * Checks that no finalizers block the deletion of an object.
 * @throws ObjectError `OBJECT_HAS_FINALIZERS`
 */
export function assertNoFinalizers(read: StoredObject): void {
  const { metadata, spec } = read.object;
  // Namespaces also have finalizers in their spec, for the objects in them.
  const ofNamespace = (spec as { readonly finalizers?: readonly string[] } | undefined)?.finalizers ?? [];
  if ((metadata.finalizers ?? []).length + ofNamespace.length === 0) return;
  throw new ObjectError({
    code: 'OBJECT_HAS_FINALIZERS',
    message: 'finalizers block the deletion',
    subject: describeReference(referenceOf(read)),
    hint: 'remove finalizers whose controllers are gone, then delete the object',
  });
}
