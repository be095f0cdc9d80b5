import type { KubernetesObject, ResourceKind, StoredObject } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { NewCredentialsDeps, ObjectReader } from '@kube-rescue/ingress-dns';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/recovery';
import { recovery, type Session } from '../wiring.ts';

/** The way to the objects of the node's cluster. */
export interface NodeObjectsInput {
  readonly via: ObjectsVia;
  readonly search: EtcdSearch;
}

/** Reads the objects of the node's cluster, from its etcd or through its API server. */
export function readNodeObjects(
  { via, search }: NodeObjectsInput,
  { node, deps, interruption }: Session,
): ObjectReader {
  const input = { ...node, via, search };
  return {
    get: async (reference, { signal = interruption.signal } = {}) => {
      const { readObjectsOfNode } = await recovery();
      try {
        const { objects } = await readObjectsOfNode({ ...input, what: { object: reference } }, deps, signal);
        return objects[0] === undefined ? undefined : asRead(reference.kind, objects[0]);
      } catch (error) {
        if (isRecoveryError(error, 'OBJECT_NOT_FOUND')) return undefined;
        throw error;
      }
    },
    async *list(kind, { namespace, signal = interruption.signal, onUnreadable } = {}) {
      const { readObjectsOfNode } = await recovery();
      const { objects, failures } = await readObjectsOfNode({ ...input, what: { kind, namespace } }, deps, signal);
      for (const failure of failures) onUnreadable?.(failure);
      for (const object of objects) yield asRead(kind, object);
    },
  };
}

/** The API server while it answers, because it knows every kind; etcd otherwise. */
export async function chooseVia(
  given: ObjectsVia | undefined,
  search: EtcdSearch,
  session: Session,
): Promise<ObjectsVia> {
  if (given !== undefined) return given;
  const { RESOURCE_KINDS } = await import('@kube-rescue/cluster-objects');
  const reference = { kind: RESOURCE_KINDS.Namespace, name: 'default' };
  return readNodeObjects({ via: 'api', search }, session)
    .get(reference)
    .then(
      () => 'api' as const,
      () => 'etcd' as const,
    );
}

/** Makes steps that change one object, as `etcd patch` does. */
export function patchNodeObjects(
  { via, search }: { readonly via: ObjectsVia | undefined; readonly search: EtcdSearch },
  { node, deps }: Session,
): NewCredentialsDeps['patchStep'] {
  return async ({ reference: object, patch }, naming, signal) => {
    const { createObjectPatchPlaybook } = await recovery();
    const { phases } = createObjectPatchPlaybook({ ...node, object, patch, via, search }, deps);
    const steps = await Promise.all(phases.map((phase) => phase.steps(signal)));
    const [step] = steps.flat();
    if (step === undefined) throw new Error('a patch of one object is no step');
    return { ...step, ...naming };
  };
}

/** As much of what a store answers as reading needs. */
function asRead(kind: ResourceKind, object: KubernetesObject): StoredObject {
  return { kind, object, revision: object.metadata.resourceVersion ?? '', partial: false, origin: undefined };
}
