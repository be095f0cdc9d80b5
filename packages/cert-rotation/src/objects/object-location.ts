import type { ResourceKind, StoredObject } from '@kube-rescue/cluster-objects';

/** Where in the cluster's objects a certificate is kept. Survives JSON. */
export interface ObjectLocation {
  /** For example `Secret`. */
  readonly kind: string;
  /** `null` for kinds without namespaces. */
  readonly namespace: string | null;
  readonly name: string;
  /** A key of the data, or the path of a field: `tls.crt`, `webhooks[0].clientConfig.caBundle`. */
  readonly key: string;
  /** Which certificate of a bundle, from 0; `null` for the value as a whole. */
  readonly index: number | null;
}

/** For messages: `Secret kube-system/kube-apiserver ca.crt#1`; the first of a bundle has no number. */
export function describeLocation(place: ObjectLocation): string {
  const { key, index } = place;
  return `${describeOwner(place)} ${key}${index === null || index === 0 ? '' : `#${index}`}`;
}

/** The object alone: `Secret kube-system/kube-apiserver`. */
export function describeOwner({ kind, namespace, name }: Pick<ObjectLocation, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`;
}

export function locationIn({ kind, object }: Readable, key: string): ObjectLocation {
  const { name, namespace } = object.metadata;
  return { kind: kind.kind, namespace: namespace ?? null, name, key, index: null };
}

/** What is needed of an object that was read. */
export interface Readable extends Pick<StoredObject, 'object'> {
  readonly kind: Pick<ResourceKind, 'kind'>;
}
