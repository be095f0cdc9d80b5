import type { ObjectReference } from '@kube-rescue/cluster-objects';

/** The object that KIND, NAME and --namespace mean; of kinds without namespaces, the last does not count. */
export async function toReference(kindName: string, name: string, namespace: string): Promise<ObjectReference> {
  const { assertValidReference, findKind } = await import('@kube-rescue/cluster-objects');
  const kind = findKind(kindName);
  const reference = kind.namespaced ? { kind, name, namespace } : { kind, name };
  assertValidReference(reference);
  return reference;
}
