import { ObjectError } from '../errors.ts';
import type { ObjectReference } from '../object-store.ts';
import { isRecord } from './object-fields.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { assertValidReference, describeReference } from './object-name.ts';

const LONGEST_UID = 128;
const OWNER_FIELDS = ['apiVersion', 'kind', 'name', 'uid'];

/** The metadata that every part of a recovery reads, with the test that its value passes. */
const FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  // It becomes a part of paths.
  uid: (value) => isText(value) && !/[/\p{Cc}]/u.test(value) && value.length <= LONGEST_UID,
  resourceVersion: isText,
  labels: isTexts,
  annotations: isTexts,
  finalizers: (value) => Array.isArray(value) && value.every(isText),
  ownerReferences: (value) =>
    Array.isArray(value) && value.every((each) => isRecord(each) && OWNER_FIELDS.every((key) => isText(each[key]))),
};

/**
 * Checks that an object has the metadata that its type promises: a valid name and namespace, labels and annotations of text,
 * owners with their fields. Absent and null fields are accepted. Does not check spec, status and data.
 * @param kind the kind that was asked for
 * @throws ObjectError `OBJECT_UNREADABLE` naming the field, never its value; `OBJECT_INVALID` for an invalid name
 */
export function assertWellFormed(object: unknown, kind: ObjectReference['kind']): asserts object is KubernetesObject {
  const metadata = isRecord(object) ? object['metadata'] : undefined;
  if (!isRecord(metadata) || typeof metadata['name'] !== 'string') throw malformed('metadata.name', kind.resource);
  const { name, namespace } = metadata;
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string') {
    throw malformed('metadata.namespace', describeReference({ kind, name }));
  }
  const reference = { kind, name, namespace: namespace ?? undefined };
  assertValidReference(reference);
  for (const [field, test] of Object.entries(FIELDS)) {
    const value = metadata[field];
    if (value === undefined || value === null || test(value)) continue;
    throw malformed(`metadata.${field}`, describeReference(reference));
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every(isText);
}

function malformed(field: string, subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_UNREADABLE',
    message: `the object has an invalid ${field}`,
    subject,
    hint: 'inspect it with kubectl, and delete it when no controller needs it',
  });
}
