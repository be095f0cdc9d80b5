import {
  fieldsAt,
  type KubernetesObject,
  listAt,
  type ObjectStore,
  RESOURCE_KINDS,
  textAt,
} from '@kube-rescue/cluster-objects';

/** The pod of a DaemonSet on one node, by its object, which may be outdated while the API server is down. */
export interface PluginPod {
  readonly name: string;
  readonly phase: string;
  readonly isReady: boolean;
  /** The start of the pod and of its newest container; `undefined` while no container runs. */
  readonly startedAt: { readonly pod: Date; readonly container: Date } | undefined;
  /** Its state and reason, as in `kubectl get pods`. */
  readonly state: string;
}

/** Finds the pod of a DaemonSet on a node. */
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
    if (isOwned && textAt(fieldsAt(object, 'spec'), 'nodeName') === nodeName) found.push(describePod(object));
  }
  return found.find(({ phase }) => phase === 'Running') ?? found[0];
}

function describePod(pod: KubernetesObject): PluginPod {
  const phase = textAt(fieldsAt(pod, 'status'), 'phase') ?? 'Unknown';
  const conditions = listAt(fieldsAt(pod, 'status'), 'conditions');
  const isReady = conditions.some((each) => textAt(each, 'type') === 'Ready' && textAt(each, 'status') === 'True');
  const statuses = [
    ...listAt(fieldsAt(pod, 'status'), 'initContainerStatuses'),
    ...listAt(fieldsAt(pod, 'status'), 'containerStatuses'),
  ];
  const reason = statuses
    .map(
      (each) =>
        textAt(fieldsAt(each, 'state', 'waiting'), 'reason') ?? textAt(fieldsAt(each, 'state', 'terminated'), 'reason'),
    )
    .findLast((each) => each !== undefined && each !== 'Completed');
  return {
    name: pod.metadata.name,
    phase,
    isReady,
    startedAt: phase === 'Running' ? startOf(pod) : undefined,
    state: `${phase}${isReady ? ', ready' : ', not ready'}${reason === undefined ? '' : `, ${reason}`}`,
  };
}

function startOf(pod: KubernetesObject): PluginPod['startedAt'] {
  const times = listAt(fieldsAt(pod, 'status'), 'containerStatuses').flatMap((each) =>
    asTime(textAt(fieldsAt(each, 'state', 'running'), 'startedAt')),
  );
  if (times.length === 0) return undefined;
  const container = Math.max(...times);
  const [start = container] = asTime(textAt(fieldsAt(pod, 'status'), 'startTime'));
  return { pod: new Date(start), container: new Date(container) };
}

function asTime(text: string | undefined): readonly number[] {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? [] : [time];
}
