import { printable } from '@kube-rescue/errors';
import { ObjectError } from '../errors.ts';
import type { ObjectReference } from '../object-store.ts';

const LONGEST_NAME = 253;

/** Names an object for messages: `Secret kube-system/kube-apiserver`. */
export function describeReference({ kind, namespace, name }: ObjectReference): string {
  const at = namespace === undefined ? '' : `${shortened(namespace)}/`;
  return printable(`${kind.kind} ${at}${shortened(name)}`);
}

/** Longer names are invalid, and may fill the screen. */
function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, 60)}...` : name;
}

/**
 * Checks that a reference names one object: no path separators, no control characters, a namespace if and only if the kind
 * is namespaced.
 *
 * Looser than the rules for new names, so that every object ever accepted by an API server can be named.
 * @throws ObjectError `OBJECT_INVALID`
 */
export function assertValidReference(reference: ObjectReference): void {
  const { kind, namespace, name } = reference;
  if (kind.namespaced !== (namespace !== undefined)) {
    throw invalid(reference, kind.namespaced ? 'a namespace is required' : 'the kind is not namespaced');
  }
  if (!isName(name)) throw invalid(reference, 'invalid object name');
  if (namespace !== undefined && !isName(namespace)) throw invalid(reference, 'invalid namespace');
}

/**
 * Checks the namespace of a listing.
 * @throws ObjectError `OBJECT_INVALID`
 */
export function assertValidNamespace(kind: ObjectReference['kind'], namespace: string | undefined): void {
  if (namespace !== undefined) assertValidReference({ kind, namespace, name: 'any' });
}

/** The API's own check of path segments, and no control characters. */
function isName(text: string): boolean {
  if (text === '' || text === '.' || text === '..' || text.length > LONGEST_NAME) return false;
  return !/[/%\p{Cc}\p{Cs}]/u.test(text);
}

function invalid(reference: ObjectReference, message: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_INVALID',
    message,
    subject: describeReference(reference),
    hint: 'check the name and the namespace',
  });
}
