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

/** The pods of all namespaces, and the controllers and Services that select pods. */
export interface PodContext {
  readonly pods: readonly Pod[];
  /** Pods owned by the controller, or by the ReplicaSets of a Deployment. */
  readonly own: readonly Pod[];
  readonly selectors: Selectors;
}

/** Lists pods and the controllers and Services that select them. Unreadable kinds (StatefulSets in etcd) count as absent. */
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

/** Every readable object of a kind; none when this object source cannot read the kind. */
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
