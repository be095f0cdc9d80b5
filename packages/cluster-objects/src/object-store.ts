import type { KubernetesObject } from './objects/kubernetes-object.ts';
import type { ResourceKind } from './objects/resource-kind.ts';

/** Which object is meant. */
export interface ObjectReference {
  readonly kind: ResourceKind;
  readonly name: string;
  /** Required for kinds that live in namespaces, absent for the others. */
  readonly namespace?: string | undefined;
}

/** An object together with what is needed to change it safely. */
export interface StoredObject {
  readonly kind: ResourceKind;
  readonly object: KubernetesObject;
  /** The revision that was read: the object's `resourceVersion`. */
  readonly revision: string;
  /** True when the store holds more fields of the object than `object` shows. They survive a `replace`. */
  readonly partial: boolean;
  /** What the store that it was read from needs to merge an edit into; of no use to anybody else. */
  readonly origin: unknown;
}

export interface ObjectReadOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ObjectListOptions extends ObjectReadOptions {
  /** Default: every namespace. */
  readonly namespace?: string | undefined;
  /**
   * Called with an `ObjectError` for each object that cannot be read; the listing goes on without it. Default: the listing
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
 * Absent is a return value (`undefined`), every other failure an `ObjectError` with the codes of the README. A write that
 * failed with any code but `OBJECT_OUTCOME_UNKNOWN` was not made.
 */
export interface ObjectStore {
  /** For messages and plans: the way to the objects, for example `etcd` or `API server`. */
  readonly name: string;
  /**
   * The object, or `undefined` when there is none.
   * @throws ObjectError `OBJECT_INVALID` when the name cannot be one; `OBJECT_UNREADABLE` `OBJECT_FORBIDDEN`
   * `OBJECT_STORE_UNREACHABLE`
   */
  get(reference: ObjectReference, options?: ObjectReadOptions): Promise<StoredObject | undefined>;
  /**
   * Every object of a kind, a page at a time, in no promised order. An empty namespace and one that does not exist are the
   * same.
   */
  list(kind: ResourceKind, options?: ObjectListOptions): AsyncIterable<StoredObject>;
  /**
   * Creates an object that must not exist yet, and answers it as it is stored.
   * @throws ObjectError `OBJECT_EXISTS` `OBJECT_INVALID` `OBJECT_TOO_LARGE`
   */
  create(kind: ResourceKind, object: KubernetesObject, options?: ObjectWriteOptions): Promise<StoredObject>;
  /**
   * Puts `object` in the place of the one that was read, if that has not changed since, and answers it as it is stored.
   *
   * `object` is the one that was read with an edit in it. Its `metadata.resourceVersion` is ignored; name, namespace and
   * `uid` cannot be edited.
   * @throws ObjectError `OBJECT_CONFLICT` when somebody changed it since: read it again; `OBJECT_NOT_FOUND` when it is gone;
   * `OBJECT_INVALID` `OBJECT_FIELD_UNSUPPORTED` `OBJECT_TOO_LARGE` `OBJECT_OUTCOME_UNKNOWN`
   */
  replace(read: StoredObject, object: KubernetesObject, options?: ObjectWriteOptions): Promise<StoredObject>;
  /**
   * Deletes the object that was read, if it has not changed since.
   * @throws ObjectError `OBJECT_CONFLICT` `OBJECT_NOT_FOUND`; `OBJECT_HAS_FINALIZERS` when others must clean up before it
   * may go
   */
  delete(read: StoredObject, options?: ObjectWriteOptions): Promise<void>;
}
