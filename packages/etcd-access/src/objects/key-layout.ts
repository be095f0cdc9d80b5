import { assertValidReference, type ObjectReference, type ResourceKind } from '@kube-rescue/cluster-objects';

/** Default of kube-apiserver's `--etcd-prefix`. */
export const DEFAULT_ETCD_PREFIX = '/registry';

/**
 * The etcd key of an object: `/registry/secrets/kube-system/name`.
 * @throws ObjectError `OBJECT_INVALID` for a name with path separators
 */
export function objectKey(prefix: string, reference: ObjectReference): string {
  assertValidReference(reference);
  const { kind, namespace, name } = reference;
  return `${collectionKey(prefix, kind, namespace)}${name}`;
}

/** Key prefix of all objects of a kind, or of those in one namespace; ends with a slash. */
export function collectionKey(prefix: string, kind: ResourceKind, namespace: string | undefined): string {
  const within = namespace === undefined ? '' : `${namespace}/`;
  const segments = prefix.split('/').filter((segment) => segment !== '');
  return `/${[...segments, kind.etcdSegment].join('/')}/${within}`;
}

/** Name and namespace of a key; `undefined` when it is not a key of an object of the kind. */
export function referenceOfKey(prefix: string, kind: ResourceKind, key: string): ObjectReference | undefined {
  const collection = collectionKey(prefix, kind, undefined);
  const segments = key.slice(collection.length).split('/');
  if (!key.startsWith(collection) || segments.length !== (kind.namespaced ? 2 : 1)) return undefined;
  const name = segments.at(-1) ?? '';
  return { kind, name, ...(kind.namespaced ? { namespace: segments[0] ?? '' } : {}) };
}
