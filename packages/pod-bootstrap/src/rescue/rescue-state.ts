import { type ObjectStore, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import type { Clock, Host } from '@kube-rescue/host';
import { readNode } from '../pods/node-state.ts';
import { fullName, isAlive, type Pod } from '../pods/pod.ts';
import {
  type ControllerName,
  describeController,
  type PodController,
  readController,
} from '../controllers/pod-controller.ts';
import { inspectPodWork, type PodWork, type PodWorkOptions } from '../pods/pod-work.ts';
import { RESCUE_OF } from './rescue-pod.ts';
import { readPodContext, type PodContext } from '../controllers/pod-context.ts';

/** One of the pods that a controller has, or one that was cut out of it. */
export interface WatchedPod {
  readonly pod: Pod;
  readonly work: PodWork;
}

/** What there is of a controller's pods, real and rescued. */
export interface RescueState {
  readonly controller: PodController;
  readonly surroundings: PodContext;
  /** Its own pods that a living node runs or should run. */
  readonly real: readonly WatchedPod[];
  readonly rescue: WatchedPod | undefined;
}

export interface RescueDeps {
  readonly store: ObjectStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly host: Pick<Host, 'resolveDns'>;
}

/**
 * Looks at a controller's pods. What a pod says of itself counts only while its node is heard: nobody corrects the status
 * of pods on a node that is gone while kube-controller-manager is gone as well.
 * @param onNode only the pods of this node count; for a DaemonSet, which has one on each
 * @throws PodError `POD_CONTROLLER_NOT_FOUND` `POD_TEMPLATE_INVALID`; as the store
 */
export async function readRescueState(
  {
    wanted,
    onNode,
    options,
  }: {
    readonly wanted: ControllerName;
    readonly onNode: string;
    readonly options: PodWorkOptions;
  },
  deps: RescueDeps,
  signal: AbortSignal,
): Promise<RescueState> {
  const { store } = deps;
  const controller = await readController(wanted, store, signal);
  const { component } = controller;
  const surroundings = await readPodContext(controller, store, signal);
  const watch = async (pod: Pod): Promise<WatchedPod> => ({
    pod,
    work: await inspectPodWork({ pod, component, options }, deps, signal),
  });
  const real: WatchedPod[] = [];
  for (const pod of surroundings.own) {
    if (pod.node === undefined || pod.isTerminating || !isAlive(pod)) continue;
    if (wanted.kind === 'DaemonSet' && pod.node !== onNode) continue;
    if ((await readNode(pod.node, deps, signal))?.isHeartbeatFresh === true) real.push(await watch(pod));
  }
  const rescue = findRescuePod(controller, surroundings.pods, onNode);
  return { controller, surroundings, real, rescue: rescue && (await watch(rescue)) };
}

/** The pod that was cut out of a controller, whichever run did it. */
function findRescuePod(controller: ControllerName, pods: readonly Pod[], onNode: string): Pod | undefined {
  return pods.find(
    ({ annotations, namespace, node, controller: owner }) =>
      namespace === controller.namespace &&
      // One that was adopted all the same is the controller's to keep or delete.
      owner === undefined &&
      annotations[RESCUE_OF] === describeController(controller) &&
      (controller.kind !== 'DaemonSet' || node === onNode),
  );
}

/** Reads a pod with what a change of it needs. */
export async function readStoredPod(
  { namespace, name }: Pick<Pod, 'namespace' | 'name'>,
  store: Pick<ObjectStore, 'get'>,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  return store.get({ kind: RESOURCE_KINDS.Pod, namespace, name }, { signal });
}

/** The pod that is at work: one of the controller's own rather than the one that was cut out. */
export function findWorking({ real, rescue }: RescueState): WatchedPod | undefined {
  return [...real, ...(rescue === undefined ? [] : [rescue])].find(({ work }) => work.works);
}

/** The pod that a kubelet runs, or will run, without anybody's help. */
export function findPresent({ real, rescue }: RescueState): WatchedPod | undefined {
  const isPresent = rescue !== undefined && isAlive(rescue.pod) && !rescue.pod.isTerminating;
  return isPresent ? rescue : real[0];
}

/** The number of the pod to be cut out of a StatefulSet: the lowest that no living node runs. */
export function chooseOrdinal({ controller: { identity, name }, real }: RescueState): number | undefined {
  if (identity === undefined) return undefined;
  const taken = new Set(real.map(({ pod }) => pod.name));
  let ordinal = identity.firstOrdinal;
  while (taken.has(`${name}-${ordinal}`)) ordinal += 1;
  return ordinal;
}

/** For example `kube-system/kube-scheduler-rescue on cp1`. */
export function describePod({ pod }: WatchedPod): string {
  return `${fullName(pod)} on ${pod.node ?? 'no node'}`;
}
