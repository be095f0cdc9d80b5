import type { KubernetesObject } from './objects/kubernetes-object.ts';
import type { ResourceKind } from './objects/resource-kind.ts';

/** Identifies one object. */
export interface ObjectReference {
  readonly kind: ResourceKind;
  readonly name: string;
  /** Required for namespaced kinds, absent for the others. */
  readonly namespace?: string | undefined;
}

/** An object with the revision needed to change it safely. */
export interface StoredObject {
  readonly kind: ResourceKind;
  readonly object: KubernetesObject;
  /** The revision that was read: the object's `resourceVersion`. */
  readonly revision: string;
  /** True when the store has fields of the object that `object` does not show. They survive a `replace`. */
  readonly partial: boolean;
  /** Private to the store: the stored value to merge an edit into. */
  readonly origin: unknown;
}

export interface ObjectReadOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ObjectListOptions extends ObjectReadOptions {
  /** Default: every namespace. */
  readonly namespace?: string | undefined;
  /**
   * Called with an `ObjectError` for each unreadable object; the listing continues without it. Default: the listing
   * fails with that error.
   */
  readonly onUnreadable?: ((failure: Error) => void) | undefined;
}

export interface ObjectWriteOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The objects of one cluster. Adapters: the API server (this package), etcd itself (`etcd-access`).
 *
 * A missing object is `undefined`, every other failure an `ObjectError` with the codes of the README. A write that
 * failed with any code but `OBJECT_OUTCOME_UNKNOWN` was not made.
 */
export interface ObjectStore {
  /** For messages and plans: `etcd` or `API server`. */
  readonly name: string;
  /**
   * The object, or `undefined` when it does not exist.
   * @throws ObjectError `OBJECT_INVALID` for an invalid name; `OBJECT_UNREADABLE` `OBJECT_FORBIDDEN`
   * `OBJECT_STORE_UNREACHABLE`
   */
  get(reference: ObjectReference, options?: ObjectReadOptions): Promise<StoredObject | undefined>;
  /**
   * Every object of a kind, page by page, in no guaranteed order. A missing namespace gives an empty list.
   */
  list(kind: ResourceKind, options?: ObjectListOptions): AsyncIterable<StoredObject>;
  /**
   * Creates an object that must not exist yet, and returns it as stored.
   * @throws ObjectError `OBJECT_EXISTS` `OBJECT_INVALID` `OBJECT_TOO_LARGE`
   */
  create(kind: ResourceKind, object: KubernetesObject, options?: ObjectWriteOptions): Promise<StoredObject>;
  /**
   * Replaces the object that was read by `object`, if it has not changed since, and returns it as stored.
   *
   * `object` is an edited copy of the one that was read. Its `metadata.resourceVersion` is ignored; name, namespace and
   * `uid` cannot be edited.
   * @throws ObjectError `OBJECT_CONFLICT` when it was modified since: read it again; `OBJECT_NOT_FOUND` when it was deleted;
   * `OBJECT_INVALID` `OBJECT_FIELD_UNSUPPORTED` `OBJECT_TOO_LARGE` `OBJECT_OUTCOME_UNKNOWN`
   */
  replace(read: StoredObject, object: KubernetesObject, options?: ObjectWriteOptions): Promise<StoredObject>;
  /**
   * Deletes the object that was read, if it has not changed since.
   * @throws ObjectError `OBJECT_CONFLICT` `OBJECT_NOT_FOUND`; `OBJECT_HAS_FINALIZERS` when finalizers block the deletion
   */
  delete(read: StoredObject, options?: ObjectWriteOptions): Promise<void>;
}
