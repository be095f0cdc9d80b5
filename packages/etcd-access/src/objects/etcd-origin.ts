import { describeReference, ObjectError, referenceOf, type StoredObject } from '@kube-rescue/cluster-objects';
import type { StoredValue } from './stored-value-type.ts';

/** The stored value of an object that was read, for merging an edit into its bytes. */
export class EtcdOrigin {
  readonly key: string;
  readonly modRevision: bigint;
  readonly value: StoredValue;
  /** The bytes in etcd, encrypted or not. */
  readonly bytes: Uint8Array;

  constructor(key: string, modRevision: bigint, value: StoredValue, bytes: Uint8Array) {
    this.key = key;
    this.modRevision = modRevision;
    this.value = value;
    this.bytes = bytes;
  }
}

/** @throws ObjectError `OBJECT_INVALID` when the object was not read from etcd */
export function originOf(read: StoredObject): EtcdOrigin {
  if (read.origin instanceof EtcdOrigin) return read.origin;
  throw new ObjectError({
    code: 'OBJECT_INVALID',
    message: 'the object was read from another store',
    subject: describeReference(referenceOf(read)),
    hint: 'read it from the same store',
  });
}
