import { randomUUID } from 'node:crypto';
import { apiVersionOf, type KubernetesObject, type ResourceKind } from '@kube-rescue/cluster-objects';

/** A new object with the fields that an API server assigns: uid, creation time, generation. */
export function asNewObject(kind: ResourceKind, object: KubernetesObject, now: Date): KubernetesObject {
  const { resourceVersion: _ignored, ...given } = object.metadata;
  const metadata = {
    ...given,
    uid: randomUUID(),
    creationTimestamp: `${now.toISOString().slice(0, 19)}Z`,
    ...(kind.hasGeneration ? { generation: 1 } : {}),
  };
  const defaults = kind.kind === 'Secret' ? { type: 'Opaque' } : {};
  return { ...defaults, ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
}
