import type { KubernetesObject } from '@kube-rescue/cluster-objects';

/** The decrypted bytes of one object, understood as far as possible. */
export interface StoredValue {
  /** As stored: without `resourceVersion`. */
  readonly object: KubernetesObject;
  /** There are fields that `object` does not show. */
  readonly partial: boolean;
  /**
   * The bytes for an edited object: what the edit did not touch, and what is not known, is as it was.
   * @throws FieldMismatch
   */
  edit(edited: KubernetesObject): Uint8Array;
}
