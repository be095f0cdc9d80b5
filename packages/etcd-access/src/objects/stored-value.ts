import { type StoredValue } from './stored-value-type.ts';
import {
  assertShallow,
  type KubernetesObject,
  ObjectError,
  type ObjectErrorCode,
  type ResourceKind,
} from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { FieldMismatch } from './field-mismatch.ts';
import { createJsonValue, readJsonValue } from './json-value.ts';
import { createProtobufValue, readProtobufValue } from './protobuf-value.ts';
import { encodingUnsupported, identifyEncoding } from './value-encoding.ts';

/**
 * Reads the decrypted bytes of an object.
 * @param subject the object, for messages
 * @throws ObjectError `OBJECT_UNREADABLE` for bytes that are truncated, damaged, of another kind or version, or nested deeper
 *   than 1,000 levels; `OBJECT_ENCODING_UNSUPPORTED` for bytes that begin as neither protobuf nor JSON: they may be intact
 */
export function readStoredValue(value: Uint8Array, kind: ResourceKind, subject: string): StoredValue {
  try {
    const encoding = identifyEncoding(value);
    if (encoding === 'truncated') throw new Error('it is truncated');
    if (encoding !== 'protobuf' && encoding !== 'JSON') throw encodingUnsupported(encoding, subject);
    const stored = encoding === 'protobuf' ? readProtobufValue(value, kind) : readJsonValue(value, kind, subject);
    assertShallow(stored.object, subject);
    if (stored.object.kind !== kind.kind) throw new Error(`its kind is ${stored.object.kind || 'missing'}`);
    return stored;
  } catch (error) {
    if (isRecoveryError(error)) throw error;
    // JSON parsers quote their input; messages about protobuf do not.
    const why = error instanceof SyntaxError ? 'it is not valid JSON' : (error as Error).message;
    throw unreadable(`cannot read the stored value: ${why}`, subject);
  }
}

export function unreadable(message: string, subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_UNREADABLE',
    message,
    subject,
    hint: 'read it through the API server (--via api); if the API server cannot either, restore the key from an etcd snapshot',
  });
}

/**
 * The bytes for a new object, in the storage format and version of its kind.
 * @throws FieldMismatch
 */
export function createStoredValue(object: KubernetesObject, kind: ResourceKind): Uint8Array {
  return kind.storage === 'json' ? createJsonValue(object) : createProtobufValue(object, kind);
}

/**
 * Runs `make` and translates a FieldMismatch to an error with the object as its subject.
 * @throws ObjectError `OBJECT_INVALID` `OBJECT_FIELD_UNSUPPORTED`
 */
export function namingObject<T>(subject: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof FieldMismatch)) throw error;
    const hints: Readonly<Partial<Record<ObjectErrorCode, string>>> = {
      OBJECT_INVALID: 'correct the field',
      OBJECT_FIELD_UNSUPPORTED: 'make this change through the API server',
    };
    throw new ObjectError({ code: error.code, message: error.message, subject, hint: hints[error.code], cause: error });
  }
}
