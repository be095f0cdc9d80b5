import type { ResourceKind, StoredObject } from '@kube-rescue/cluster-objects';

/** The location of a certificate in the cluster's objects. Survives JSON. */
export interface ObjectLocation {
  /** For example `Secret`. */
  readonly kind: string;
  /** `null` for kinds without namespaces. */
  readonly namespace: string | null;
  readonly name: string;
  /** A key of the data, or the path of a field: `tls.crt`, `webhooks[0].clientConfig.caBundle`. */
  readonly key: string;
  /** The index of the certificate in a bundle, from 0; `null` for the whole value. */
  readonly index: number | null;
}

/** For messages: `Secret kube-system/kube-apiserver ca.crt#1`; the first of a bundle has no number. */
export function describeLocation(location: ObjectLocation): string {
  const { key, index } = location;
  return `${describeOwner(location)} ${key}${index === null || index === 0 ? '' : `#${index}`}`;
}

/** The object alone: `Secret kube-system/kube-apiserver`. */
export function describeOwner({ kind, namespace, name }: Pick<ObjectLocation, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`;
}

export function locationIn({ kind, object }: Readable, key: string): ObjectLocation {
  const { name, namespace } = object.metadata;
  return { kind: kind.kind, namespace: namespace ?? null, name, key, index: null };
}

/** The required part of a stored object. */
export interface Readable extends Pick<StoredObject, 'object'> {
  readonly kind: Pick<ResourceKind, 'kind'>;
}
