import { type KubernetesObject, type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Clock, Host } from '@kube-rescue/host';
import { CONTROL_PLANE_COMPONENTS, type ControlPlaneComponent, identifyComponent } from '../controllers/component.ts';
import type { PodErrorCode } from '../errors.ts';
import { STATEFUL_SET } from '../controllers/kinds.ts';
import { readNode } from './node-state.ts';
import { findLeaderLock, type LeaderLock } from '../leases/leader-election.ts';
import { isActive, isStatic, type Pod, toPod } from './pod.ts';
import {
  type ControllerName,
  describeController,
  type PodController,
  toController,
} from '../controllers/pod-controller.ts';
import { diagnosePod } from '../diagnosis/pod-diagnosis.ts';
import { inspectPodWork, type PodWorkOptions } from './pod-work.ts';
import { RESCUE_OF } from '../rescue/rescue-pod.ts';
import { listReadable } from '../controllers/pod-context.ts';
import { type ReadPodLog, readObservations } from '../diagnosis/pod-observations.ts';

/** The controller of a control-plane component. */
export interface FoundComponent {
  readonly component: ControlPlaneComponent;
  readonly controller: ControllerName;
  /** By the flags of its template; `undefined` when it does not elect a leader. */
  readonly lock: LeaderLock | undefined;
}

/** One pod of the control plane, or one that is missing. */
export interface PodRow {
  readonly component: ControlPlaneComponent;
  /** For example `Deployment kube-system/kube-scheduler`, or `static pod`. */
  readonly controller: string;
  /** `undefined` when the component has no pod. */
  readonly pod: string | undefined;
  readonly node: string | undefined;
  readonly ready: boolean;
  /** Proven by an effect: it holds its lock or answers DNS queries. A standby replica does not work. */
  readonly working: boolean;
  readonly rescue: boolean;
  readonly code: PodErrorCode | undefined;
  readonly reason: string | undefined;
  readonly hint: string | undefined;
}

export interface PodListing {
  readonly pods: readonly PodRow[];
  /** Components without a working pod. */
  readonly missing: readonly ControlPlaneComponent[];
}

export interface PodListingDeps {
  readonly store: Pick<ObjectStore, 'get' | 'list'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly host: Pick<Host, 'resolveDns'>;
  readonly readLog: ReadPodLog;
}

const DEFAULT_NAMESPACE = 'kube-system';

/** Finds the controllers of the control plane, by the programs that their pods run, else by labels. */
export async function findComponents(
  { namespace = DEFAULT_NAMESPACE }: { readonly namespace?: string | undefined },
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<readonly FoundComponent[]> {
  return (await readControllers(namespace, store, signal)).flatMap((controller) => {
    const { component, containers } = controller;
    if (component === undefined) return [];
    return [{ component, controller: nameOf(controller), lock: findLeaderLock(component, containers) }];
  });
}

/** Lists the pods of the control plane, why each broken one does not work, and the components without a pod. */
export async function listControlPlanePods(
  { namespace = DEFAULT_NAMESPACE, ...options }: PodWorkOptions & { readonly namespace?: string | undefined },
  deps: PodListingDeps,
  signal: AbortSignal,
): Promise<PodListing> {
  const { store } = deps;
  const controllers = await readControllers(namespace, store, signal);
  const replicaSets = await listReadable(store, RESOURCE_KINDS.ReplicaSet, { namespace, signal });
  const objects = await listReadable(store, RESOURCE_KINDS.Pod, { namespace, signal });
  const ownerOf = (pod: Pod): PodController | undefined => {
    const uids = [pod.controller?.uid, ...parentsOf(pod.controller?.uid, replicaSets)];
    return controllers.find(({ uid }) => uids.includes(uid));
  };
  const rows: PodRow[] = [];
  for (const object of objects) {
    const pod = toPod(object);
    const owner = ownerOf(pod);
    const component = owner?.component ?? identifyComponent(object);
    if (component === undefined) continue;
    const rescueOf = pod.annotations[RESCUE_OF];
    const controller =
      owner === undefined ? (rescueOf ?? (isStatic(pod) ? 'static pod' : 'none')) : describeController(owner);
    rows.push(await describe(pod, { component, controller, rescue: rescueOf !== undefined, options }, deps, signal));
  }
  const absent = controllers.filter(
    (each) => each.replicas !== 0 && !rows.some(({ controller }) => controller === describeController(each)),
  );
  for (const each of absent)
    if (each.component !== undefined) rows.push(absentRow(each.component, describeController(each)));
  for (const component of CONTROL_PLANE_COMPONENTS) {
    if (!rows.some((row) => row.component === component)) rows.push(absentRow(component, 'none'));
  }
  return {
    pods: rows.toSorted((a, b) => orderOf(a) - orderOf(b) || (a.pod ?? '').localeCompare(b.pod ?? '')),
    missing: CONTROL_PLANE_COMPONENTS.filter(
      (component) => !rows.some((row) => row.component === component && row.working),
    ),
  };
}

async function readControllers(
  namespace: string,
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<readonly PodController[]> {
  const objects: KubernetesObject[] = [];
  for (const kind of [RESOURCE_KINDS.Deployment, RESOURCE_KINDS.DaemonSet, STATEFUL_SET]) {
    objects.push(...(await listReadable(store, kind, { namespace, signal })));
  }
  return objects.filter((object) => identifyComponent(object) !== undefined).map(toController);
}

async function describe(
  pod: Pod,
  {
    component,
    controller,
    rescue,
    options,
  }: {
    readonly component: ControlPlaneComponent;
    readonly controller: string;
    readonly rescue: boolean;
    readonly options: PodWorkOptions;
  },
  deps: PodListingDeps,
  signal: AbortSignal,
): Promise<PodRow> {
  const isHeartbeatFresh =
    pod.node !== undefined && (await readNode(pod.node, deps, signal))?.isHeartbeatFresh === true;
  const work = await inspectPodWork({ pod, component, options }, deps, signal);
  const working = isHeartbeatFresh && isActive(pod) && work.works;
  const observations = working ? undefined : await readObservations(pod, deps, signal);
  const failure = observations && diagnosePod({ ...observations, notWorkingReason: work.reason });
  return {
    ...{
      component,
      controller,
      pod: pod.name,
      node: pod.node,
      ready: isHeartbeatFresh && pod.isReady,
      working,
      rescue,
    },
    ...{ code: failure?.code, reason: failure?.reason, hint: failure?.hint },
  };
}

function absentRow(component: ControlPlaneComponent, controller: string): PodRow {
  return {
    ...{ component, controller, pod: undefined, node: undefined, ready: false, working: false, rescue: false },
    code: controller === 'none' ? 'POD_CONTROLLER_NOT_FOUND' : 'POD_NOT_STARTED',
    reason: controller === 'none' ? 'no controller runs it as a pod' : 'it has no pod',
    hint:
      controller === 'none'
        ? 'if it runs as a systemd service, check its nodes; otherwise apply its manifest'
        : `run one: \`kube-rescue pods rescue ${controller.replace(/^(\S+) \S+\//, '$1/')} --node NODE\``,
  };
}

function parentsOf(uid: string | undefined, replicaSets: readonly KubernetesObject[]): readonly string[] {
  const set = replicaSets.find(({ metadata }) => metadata.uid === uid);
  return uid === undefined ? [] : (set?.metadata.ownerReferences ?? []).map((owner) => owner.uid);
}

function nameOf({ kind, namespace, name }: PodController): ControllerName {
  return { kind, namespace, name };
}

function orderOf({ component }: PodRow): number {
  return CONTROL_PLANE_COMPONENTS.indexOf(component);
}
