import {
  type Fields,
  fieldsAt,
  type KubernetesObject,
  type ObjectStore,
  RESOURCE_KINDS,
  textAt,
} from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import { componentFlag, type ControlPlaneComponent } from '../controllers/component.ts';
import { labelsAt } from '../controllers/label-selector.ts';
import type { Pod } from '../pods/pod.ts';

/** The lock object of a leader election. */
export interface LeaderLock {
  readonly namespace: string;
  readonly name: string;
}

/** The holder of a leader lock. */
export interface Leader {
  /** `HOSTNAME_UUID` (client-go `leaderelection`); of a pod on the network of its node, the host name is the node's. */
  readonly holder: string;
  readonly renewedAt: Date;
  /** The lock object, for example `Lease kube-system/kube-scheduler`. */
  readonly lock: string;
  readonly isFresh: boolean;
  readonly carrier: LockCarrier;
  /** How long others wait after they have seen the lock unchanged, before they take it. */
  readonly durationMs: number;
}

/** The kinds of object that carry a lock. */
export type LockCarrier = (typeof CARRIERS)[number];

/** Where the lock objects are read: an object store, or anything that gets objects. */
export interface LockSource {
  get(
    ...request: Parameters<ObjectStore['get']>
  ): Promise<Pick<NonNullable<Awaited<ReturnType<ObjectStore['get']>>>, 'object'> | undefined>;
}

/** Leaders renew every two seconds by default, and give up after ten. */
const FRESH_MS = 20_000;
/** `--leader-elect-lease-duration` of a record without it (component-base `config/v1alpha1` defaults). */
const DEFAULT_DURATION_SECONDS = 15;
/** The annotation that carries a lock on other objects than a Lease (client-go `resourcelock`). */
export const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
const CARRIERS = ['Lease', 'Endpoints', 'ConfigMap'] as const;

/**
 * The lock of a component, by its flags.
 * @param flag the value of a flag of the component
 * @returns `undefined` when the component does not elect a leader
 */
export function leaderLockOf(
  component: string | undefined,
  flag: (name: string) => string | undefined,
): LeaderLock | undefined {
  if (component !== 'kube-controller-manager' && component !== 'kube-scheduler') return undefined;
  if (flag('leader-elect') === 'false') return undefined;
  return {
    namespace: flag('leader-elect-resource-namespace') ?? flag('lock-object-namespace') ?? 'kube-system',
    name: flag('leader-elect-resource-name') ?? flag('lock-object-name') ?? component,
  };
}

/** The same, by the containers of its pod. */
export function findLeaderLock(
  component: ControlPlaneComponent | undefined,
  containers: readonly Fields[],
): LeaderLock | undefined {
  return leaderLockOf(component, (name) => componentFlag(containers, name));
}

/**
 * The holder of a lock, by the latest of the lock objects: a Lease, or the annotation of Endpoints or of a
 * ConfigMap (`--leader-elect-resource-lock`; before 1.20 `endpoints` and two kinds at once were common).
 *
 * The times are those of the holder's clock.
 */
export async function readLeader(
  lock: LeaderLock,
  deps: { readonly store: LockSource; readonly clock: Pick<Clock, 'now'> },
  signal: AbortSignal,
): Promise<Leader | undefined> {
  return (await readLeaders(lock, deps, signal))[0];
}

/** As {@link readLeader}, of every lock object that names a holder, the latest first. */
export async function readLeaders(
  lock: LeaderLock,
  { store, clock }: { readonly store: LockSource; readonly clock: Pick<Clock, 'now'> },
  signal: AbortSignal,
): Promise<readonly Leader[]> {
  const found: Leader[] = [];
  for (const carrier of CARRIERS) {
    const read = await store.get({ kind: RESOURCE_KINDS[carrier], ...lock }, { signal });
    const record = readRecord(carrier, read?.object);
    const holder = textAt(record, 'holderIdentity');
    const renewedAt = new Date(textAt(record, 'renewTime') ?? Number.NaN);
    if (holder === undefined || holder === '' || Number.isNaN(renewedAt.getTime())) continue;
    const isFresh = clock.now().getTime() - renewedAt.getTime() < FRESH_MS;
    const duration = record['leaseDurationSeconds'];
    const durationMs = (typeof duration === 'number' ? duration : DEFAULT_DURATION_SECONDS) * 1000;
    found.push({ holder, renewedAt, lock: `${carrier} ${lock.namespace}/${lock.name}`, isFresh, carrier, durationMs });
  }
  return found.toSorted((a, b) => b.renewedAt.getTime() - a.renewedAt.getTime());
}

/** The election record of a lock object: the `spec` of a Lease, else the annotation. */
export function readRecord(carrier: LockCarrier, object: KubernetesObject | undefined): Fields {
  return carrier === 'Lease'
    ? fieldsAt(object, 'spec')
    : parse(labelsAt(object, 'metadata', 'annotations')[LEADER_ANNOTATION]);
}

/** The host name of a holder, `HOSTNAME_UUID`: of a pod on the pod network its name, otherwise that of its machine. */
export function hostnameOf({ holder }: Pick<Leader, 'holder'>): string {
  const end = holder.lastIndexOf('_');
  return end < 0 ? holder : holder.slice(0, end);
}

/** Whether this pod is the holder, by the host name of its processes. */
export function isHeldBy(
  { holder }: Pick<Leader, 'holder'>,
  pod: Pick<Pod, 'name' | 'hostname' | 'hostNetwork' | 'node'>,
): boolean {
  const hostname = pod.hostNetwork ? pod.node : (pod.hostname ?? pod.name);
  // The kubelet truncates host names to the limit of Linux.
  const visible = hostname?.slice(0, 63).replace(/[-.]+$/, '');
  return (
    visible !== undefined &&
    (holder === visible || holder.startsWith(`${visible}_`) || holder.startsWith(`${visible}.`))
  );
}

function parse(json: string | undefined): Fields {
  try {
    return fieldsAt(JSON.parse(json ?? '{}'));
  } catch {
    return {};
  }
}
