import { type KubernetesObject, type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { objectsAt, textAt } from './json-fields.ts';

/** The pod of a DaemonSet on one node, as its object says; with the API server dead that may be old. */
export interface PluginPod {
  readonly name: string;
  readonly phase: string;
  readonly isReady: boolean;
  /** When the last of its containers was started; `undefined` when none runs. */
  readonly startedAt: Date | undefined;
  /** One line: its state with the reason, as `kubectl get pods` would show it. */
  readonly state: string;
}

/** Looks for the pod that a DaemonSet runs on a node. */
export async function findPluginPod(
  daemonSet: KubernetesObject,
  nodeName: string,
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<PluginPod | undefined> {
  const { namespace, name } = daemonSet.metadata;
  const found: PluginPod[] = [];
  const onUnreadable = (): void => undefined;
  for await (const { object } of store.list(RESOURCE_KINDS.Pod, { namespace, signal, onUnreadable })) {
    const isOwned = (object.metadata.ownerReferences ?? []).some(
      (owner) => owner.kind === 'DaemonSet' && owner.name === name,
    );
    if (isOwned && textAt(object, 'spec', 'nodeName') === nodeName) found.push(describePod(object));
  }
  return found.find(({ phase }) => phase === 'Running') ?? found[0];
}

function describePod(pod: KubernetesObject): PluginPod {
  const phase = textAt(pod, 'status', 'phase') ?? 'Unknown';
  const conditions = objectsAt(pod, 'status', 'conditions');
  const isReady = conditions.some((each) => textAt(each, 'type') === 'Ready' && textAt(each, 'status') === 'True');
  const statuses = [
    ...objectsAt(pod, 'status', 'initContainerStatuses'),
    ...objectsAt(pod, 'status', 'containerStatuses'),
  ];
  const starts = objectsAt(pod, 'status', 'containerStatuses').flatMap((each) => {
    const time = Date.parse(textAt(each, 'state', 'running', 'startedAt') ?? '');
    return Number.isNaN(time) ? [] : [time];
  });
  const reason = statuses
    .map((each) => textAt(each, 'state', 'waiting', 'reason') ?? textAt(each, 'state', 'terminated', 'reason'))
    .findLast((each) => each !== undefined && each !== 'Completed');
  return {
    name: pod.metadata.name,
    phase,
    isReady,
    startedAt: phase === 'Running' && starts.length > 0 ? new Date(Math.max(...starts)) : undefined,
    state: `${phase}${isReady ? ', ready' : ', not ready'}${reason === undefined ? '' : `, ${reason}`}`,
  };
}
