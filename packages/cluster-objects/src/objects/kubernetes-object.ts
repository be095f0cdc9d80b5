/** An owner of an object; the object is deleted with its last owner. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly [field: string]: unknown;
}

/** The `metadata` of an object, as in the API. */
export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** The revision of the last change; set by the store, never by an edit. */
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339, in UTC and whole seconds. */
  readonly creationTimestamp?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly [field: string]: unknown;
}

/** A Kubernetes object as in the JSON of the API: bytes in base64, times in RFC 3339. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}
