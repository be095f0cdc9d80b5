import type { KubernetesObject } from '@kube-rescue/cluster-objects';

/** The decoded value of one object. */
export interface StoredValue {
  /** As stored: without `resourceVersion`. */
  readonly object: KubernetesObject;
  /** The value has fields that `object` does not show. */
  readonly partial: boolean;
  /**
   * The bytes for an edited object; untouched and unknown fields are kept.
   * @throws FieldMismatch
   */
  edit(edited: KubernetesObject): Uint8Array;
}
