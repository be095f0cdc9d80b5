import type { KubernetesObject, ObjectReference, ResourceKind } from '@kube-rescue/cluster-objects';
import type { Node } from '../node.ts';
import type { ObjectPath } from './node-objects.ts';

export interface ObjectReadingInput extends ObjectPath {
  /** One object, or every object of a kind. */
  readonly what:
    | { readonly object: ObjectReference }
    | { readonly kind: ResourceKind; readonly namespace: string | undefined };
}

export interface ObjectReading {
  readonly objects: readonly KubernetesObject[];
  /** One error for each object of the list that cannot be decoded. */
  readonly failures: readonly Error[];
  /** False when etcd has no quorum: the objects may be stale. */
  readonly isCurrent: boolean;
}

/**
 * Reads objects as the API shows them. Values of Secrets are in them: mask before anything is printed.
 * @throws ObjectError `OBJECT_NOT_FOUND` and those of the store; as `Node.openObjects`
 */
export async function readObjectsOfNode(
  node: Pick<Node, 'openObjects'>,
  input: ObjectReadingInput,
  signal: AbortSignal,
): Promise<ObjectReading> {
  const opened = await node.openObjects(input, signal);
  try {
    const failures: Error[] = [];
    const objects: KubernetesObject[] = [];
    if ('object' in input.what) {
      const read = await opened.store.get(input.what.object, { signal });
      if (read === undefined) throw await notFound(input.what.object);
      objects.push(read.object);
    } else {
      const { kind, namespace } = input.what;
      const onUnreadable = (failure: Error): void => void failures.push(failure);
      for await (const { object } of opened.store.list(kind, { namespace, signal, onUnreadable })) objects.push(object);
    }
    return { objects, failures, isCurrent: opened.mayWrite };
  } finally {
    await opened.close();
  }
}

async function notFound(reference: ObjectReference): Promise<Error> {
  const { describeReference, ObjectError } = await import('@kube-rescue/cluster-objects');
  return new ObjectError({
    code: 'OBJECT_NOT_FOUND',
    message: 'object not found',
    subject: describeReference(reference),
    hint: 'check its name and namespace; list all with `kube-rescue etcd get KIND --all-namespaces`',
  });
}
