import {
  fieldsAt,
  type KubernetesObject,
  type ObjectStore,
  RESOURCE_KINDS,
  type ResourceKind,
} from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { STATEFUL_SET } from './kinds.ts';
import { labelsAt } from './label-selector.ts';
import { type Pod, toPod } from '../pods/pod.ts';
import type { PodController } from './pod-controller.ts';
import type { Selectors } from '../rescue/rescue-labels.ts';

/** What lies around a pod: the other pods of all namespaces, and who picks pods of its own. */
export interface PodContext {
  readonly pods: readonly Pod[];
  /** Those that belong to the controller by their owner: itself, or for a Deployment its ReplicaSets. */
  readonly own: readonly Pod[];
  readonly selectors: Selectors;
}

/** Reads who is there. What cannot be read this way (StatefulSets in etcd) is taken for absent. */
export async function readPodContext(
  controller: PodController,
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<PodContext> {
  const { namespace } = controller;
  const list = (kind: ResourceKind): Promise<readonly KubernetesObject[]> =>
    listReadable(store, kind, { namespace, signal });
  const pods = (await listReadable(store, RESOURCE_KINDS.Pod, { signal })).map(toPod);
  const [replicaSets, daemonSets, services] = [
    await list(RESOURCE_KINDS.ReplicaSet),
    await list(RESOURCE_KINDS.DaemonSet),
    await list(RESOURCE_KINDS.Service),
  ];
  const adopters = [...replicaSets, ...daemonSets, ...(await list(STATEFUL_SET))];
  const owners = new Set([
    controller.uid,
    ...replicaSets.flatMap(({ metadata }) =>
      metadata.ownerReferences?.some(({ uid }) => uid === controller.uid) ? (metadata.uid ?? []) : [],
    ),
  ]);
  return {
    pods,
    own: pods.filter((pod) => pod.controller !== undefined && owners.has(pod.controller.uid)),
    selectors: {
      controllers: adopters.map((object) => ({
        name: `${object.kind} ${object.metadata.name}`,
        selector: fieldsAt(object, 'spec', 'selector'),
      })),
      services: services.map((object) => ({
        name: object.metadata.name,
        selector: labelsAt(object, 'spec', 'selector'),
      })),
    },
  };
}

/** Every object of a kind that can be read; none when the kind cannot be read at all by this way. */
export async function listReadable(
  store: Pick<ObjectStore, 'list'>,
  kind: ResourceKind,
  { namespace, signal }: { readonly namespace?: string | undefined; readonly signal: AbortSignal },
): Promise<readonly KubernetesObject[]> {
  const objects: KubernetesObject[] = [];
  try {
    for await (const { object } of store.list(kind, { namespace, signal, onUnreadable: () => undefined })) {
      objects.push(object);
    }
  } catch (error) {
    if (!isRecoveryError(error, 'OBJECT_FIELD_UNSUPPORTED', 'OBJECT_UNREADABLE')) throw error;
  }
  return objects;
}
