import {
  type Fields,
  fieldsAt,
  type KubernetesObject,
  listAt,
  type OwnerReference,
  textAt,
} from '@kube-rescue/cluster-objects';
import { type Labels, labelsAt } from '../controllers/label-selector.ts';

/** The reported state of one container. */
interface ContainerState {
  readonly name: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Why it waits, for example `CrashLoopBackOff`, with its message. */
  readonly waiting: { readonly reason: string; readonly message: string } | undefined;
  readonly terminated: { readonly reason: string; readonly exitCode: number | undefined } | undefined;
  readonly runningSince: Date | undefined;
}

/** A pod, as far as a rescue needs it. */
export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** The owner that manages it. */
  readonly controller: OwnerReference | undefined;
  readonly node: string | undefined;
  readonly hostname: string | undefined;
  readonly hostNetwork: boolean;
  readonly hostPorts: readonly { readonly port: number; readonly protocol: string }[];
  readonly phase: string;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly address: string | undefined;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  readonly createdAt: Date | undefined;
  /** When the kubelet accepted the pod. */
  readonly startedAt: Date | undefined;
  /** Init containers first. */
  readonly containers: readonly ContainerState[];
  /** The containers of the spec, for flags and ports. */
  readonly specified: readonly Fields[];
  /** Names of the ConfigMaps that it mounts. */
  readonly configMaps: readonly string[];
}

export function toPod(object: KubernetesObject): Pod {
  const { metadata } = object;
  const spec = fieldsAt(object, 'spec');
  const status = fieldsAt(object, 'status');
  const specified = listAt(spec, 'containers');
  const ready = listAt(status, 'conditions').find((each) => textAt(each, 'type') === 'Ready');
  return {
    ...{ name: metadata.name, namespace: metadata.namespace ?? 'default', uid: metadata.uid ?? '' },
    ...{ labels: metadata.labels ?? {}, annotations: labelsAt(metadata, 'annotations') },
    controller: metadata.ownerReferences?.find((owner) => owner['controller'] === true),
    node: textAt(spec, 'nodeName') || undefined,
    hostname: textAt(spec, 'hostname'),
    hostNetwork: spec['hostNetwork'] === true,
    hostPorts: specified.flatMap((container) => listAt(container, 'ports')).flatMap(toHostPort),
    phase: textAt(status, 'phase') ?? 'Pending',
    reason: textAt(status, 'reason'),
    message: textAt(status, 'message'),
    address: textAt(status, 'podIP') || undefined,
    isReady: textAt(ready, 'status') === 'True',
    isTerminating: typeof metadata['deletionTimestamp'] === 'string',
    createdAt: toDate(metadata.creationTimestamp ?? undefined),
    startedAt: toDate(textAt(status, 'startTime')),
    containers: ['initContainerStatuses', 'containerStatuses'].flatMap((key) => listAt(status, key).map(toContainer)),
    specified,
    configMaps: listAt(spec, 'volumes').flatMap((volume) => textAt(fieldsAt(volume, 'configMap'), 'name') ?? []),
  };
}

/** Whether the pod still occupies its node: it has neither ended nor been rejected. */
export function isActive({ phase }: Pick<Pod, 'phase'>): boolean {
  return phase !== 'Succeeded' && phase !== 'Failed';
}

/** Whether this is the mirror pod of a static pod. */
export function isStatic({ annotations }: Pick<Pod, 'annotations'>): boolean {
  return annotations['kubernetes.io/config.mirror'] !== undefined;
}

/** For example `kube-system/kube-scheduler-rescue`. */
export function fullName({ namespace, name }: Pick<Pod, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

function toHostPort(port: Fields): Pod['hostPorts'] {
  const { hostPort } = port;
  return typeof hostPort === 'number' && hostPort > 0
    ? [{ port: hostPort, protocol: textAt(port, 'protocol') ?? 'TCP' }]
    : [];
}

function toContainer(status: Fields): ContainerState {
  const { waiting, terminated, running } = fieldsAt(status, 'state');
  const { ready, restartCount } = status;
  const ended = terminated ?? fieldsAt(status, 'lastState')['terminated'];
  const { exitCode } = fieldsAt(ended);
  return {
    name: textAt(status, 'name') ?? '',
    ready: ready === true,
    restarts: typeof restartCount === 'number' ? restartCount : 0,
    waiting: waiting === undefined ? undefined : toWaiting(waiting),
    terminated: ended === undefined ? undefined : toEnd(ended, exitCode),
    runningSince: toDate(textAt(running, 'startedAt')),
  };
}

function toWaiting(waiting: unknown): NonNullable<ContainerState['waiting']> {
  return { reason: textAt(waiting, 'reason') ?? '', message: textAt(waiting, 'message') ?? '' };
}

function toEnd(ended: unknown, exitCode: unknown): NonNullable<ContainerState['terminated']> {
  return {
    reason: textAt(ended, 'reason') ?? '',
    exitCode: typeof exitCode === 'number' ? exitCode : undefined,
  };
}

function toDate(text: string | undefined): Date | undefined {
  const date = new Date(text ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
