import { type ObjectStore, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import type { Clock, Host } from '@kube-rescue/host';
import { readNode } from '../pods/node-state.ts';
import { fullName, isActive, type Pod } from '../pods/pod.ts';
import {
  type ControllerName,
  describeController,
  type PodController,
  readController,
} from '../controllers/pod-controller.ts';
import { inspectPodWork, type PodWork, type PodWorkOptions } from '../pods/pod-work.ts';
import { RESCUE_OF } from './rescue-pod.ts';
import { readPodContext, type PodContext } from '../controllers/pod-context.ts';

/** A pod of a controller, or its rescue pod. */
export interface WatchedPod {
  readonly pod: Pod;
  readonly work: PodWork;
}

/** The regular pods of a controller and its rescue pod. */
export interface RescueState {
  readonly controller: PodController;
  readonly context: PodContext;
  /** Its own pods on nodes with a fresh heartbeat. */
  readonly real: readonly WatchedPod[];
  readonly rescue: WatchedPod | undefined;
}

export interface RescueDeps {
  readonly store: ObjectStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly host: Pick<Host, 'resolveDns'>;
}

/**
 * Reads the pods of a controller. The status of a pod counts only while its node has a fresh heartbeat: without
 * kube-controller-manager, the status of pods on a lost node stays outdated.
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
  const context = await readPodContext(controller, store, signal);
  const watch = async (pod: Pod): Promise<WatchedPod> => ({
    pod,
    work: await inspectPodWork({ pod, component, options }, deps, signal),
  });
  const real: WatchedPod[] = [];
  for (const pod of context.own) {
    if (pod.node === undefined || pod.isTerminating || !isActive(pod)) continue;
    if (wanted.kind === 'DaemonSet' && pod.node !== onNode) continue;
    if ((await readNode(pod.node, deps, signal))?.isHeartbeatFresh === true) real.push(await watch(pod));
  }
  const rescue = findRescuePod(controller, context.pods, onNode);
  return { controller, context, real, rescue: rescue && (await watch(rescue)) };
}

/** The rescue pod of a controller, from this or an earlier run. */
function findRescuePod(controller: ControllerName, pods: readonly Pod[], onNode: string): Pod | undefined {
  return pods.find(
    ({ annotations, namespace, node, controller: owner }) =>
      namespace === controller.namespace &&
      // An adopted pod belongs to the controller.
      owner === undefined &&
      annotations[RESCUE_OF] === describeController(controller) &&
      (controller.kind !== 'DaemonSet' || node === onNode),
  );
}

/** Reads a pod in the form that a change needs. */
export async function readStoredPod(
  { namespace, name }: Pick<Pod, 'namespace' | 'name'>,
  store: Pick<ObjectStore, 'get'>,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  return store.get({ kind: RESOURCE_KINDS.Pod, namespace, name }, { signal });
}

/** A working pod; regular pods come before the rescue pod. */
export function findWorking({ real, rescue }: RescueState): WatchedPod | undefined {
  return [...real, ...(rescue === undefined ? [] : [rescue])].find(({ work }) => work.works);
}

/** The pod that a kubelet runs, or will run, without a scheduler. */
export function findPresent({ real, rescue }: RescueState): WatchedPod | undefined {
  const isPresent = rescue !== undefined && isActive(rescue.pod) && !rescue.pod.isTerminating;
  return isPresent ? rescue : real[0];
}

/** The ordinal of the rescue pod of a StatefulSet: the lowest that no node with a fresh heartbeat runs. */
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
