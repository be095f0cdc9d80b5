import type { ObjectReference } from '@kube-rescue/cluster-objects';

/** The object of KIND, NAME and --namespace; the namespace is ignored for cluster-scoped kinds. */
export async function toReference(kindName: string, name: string, namespace: string): Promise<ObjectReference> {
  const { assertValidReference, findKind } = await import('@kube-rescue/cluster-objects');
  const kind = findKind(kindName);
  const reference = kind.namespaced ? { kind, name, namespace } : { kind, name };
  assertValidReference(reference);
  return reference;
}
