import {
  describeReference,
  type Fields,
  fieldsAt,
  type KubernetesObject,
  listAt,
  type ObjectStore,
  textAt,
} from '@kube-rescue/cluster-objects';
import { type ControlPlaneComponent, identifyComponent } from './component.ts';
import { PodError } from '../errors.ts';
import { CONTROLLER_KINDS, type ControllerKind, controllerKind } from './kinds.ts';
import { type Labels, labelsAt } from './label-selector.ts';

/** The name of a controller that creates pods from a template. */
export interface ControllerName {
  readonly kind: ControllerKind;
  readonly namespace: string;
  readonly name: string;
}

/** A controller, as far as a rescue pod needs it. */
export interface PodController extends ControllerName {
  readonly uid: string;
  /** The wanted number of pods; `undefined` for a DaemonSet. */
  readonly replicas: number | undefined;
  readonly selector: Fields;
  /** The control-plane component of its pods. */
  readonly component: ControlPlaneComponent | undefined;
  /** The containers of the template. */
  readonly containers: readonly Fields[];
  readonly template: { readonly labels: Labels; readonly annotations: Labels; readonly spec: Fields };
  /** Only for a StatefulSet: the names of its claim templates, its Service, and its first ordinal. */
  readonly identity:
    | { readonly claims: readonly string[]; readonly service: string; readonly firstOrdinal: number }
    | undefined;
}

/** For example `Deployment kube-system/kube-scheduler`. */
export function describeController({ kind, namespace, name }: ControllerName): string {
  return describeReference({ kind: controllerKind(kind), namespace, name });
}

/**
 * Reads a controller with its template.
 * @throws PodError `POD_CONTROLLER_NOT_FOUND` `POD_TEMPLATE_INVALID`; as the store
 */
export async function readController(
  wanted: ControllerName,
  store: Pick<ObjectStore, 'get'>,
  signal: AbortSignal,
): Promise<PodController> {
  const { kind, namespace, name } = wanted;
  const read = await store.get({ kind: controllerKind(kind), namespace, name }, { signal });
  if (read !== undefined) return toController(read.object);
  throw new PodError({
    code: 'POD_CONTROLLER_NOT_FOUND',
    message: `no such ${kind}`,
    subject: describeController(wanted),
    hint: 'check its name and namespace: `kube-rescue pods list`',
  });
}

/** @throws PodError `POD_CONTROLLER_UNSUPPORTED` `POD_TEMPLATE_INVALID` */
export function toController(object: KubernetesObject): PodController {
  const kind = CONTROLLER_KINDS.find((each) => each === object.kind);
  const { name, namespace = 'default', uid = '' } = object.metadata;
  if (kind === undefined) throw unsupportedKind(object.kind);
  const spec = fieldsAt(object, 'spec');
  const template = fieldsAt(spec, 'template');
  const podSpec = fieldsAt(template, 'spec');
  if (listAt(podSpec, 'containers').length === 0) {
    throw new PodError({
      code: 'POD_TEMPLATE_INVALID',
      message: 'the pod template has no container',
      subject: describeController({ kind, namespace, name }),
      hint: 'apply the manifest again',
    });
  }
  const { replicas } = spec;
  return {
    ...{ kind, namespace, name, uid, selector: fieldsAt(spec, 'selector') },
    component: identifyComponent(object),
    replicas: kind === 'DaemonSet' ? undefined : typeof replicas === 'number' ? replicas : 1,
    containers: listAt(podSpec, 'containers'),
    template: {
      labels: labelsAt(template, 'metadata', 'labels'),
      annotations: labelsAt(template, 'metadata', 'annotations'),
      spec: podSpec,
    },
    identity: kind === 'StatefulSet' ? toIdentity(spec) : undefined,
  };
}

/** @throws PodError `POD_CONTROLLER_UNSUPPORTED` */
export function findControllerKind(text: string): ControllerKind {
  const wanted = text.toLowerCase();
  const found = CONTROLLER_KINDS.find((kind) => NAMES[kind].includes(wanted));
  if (found === undefined) throw unsupportedKind(text);
  return found;
}

const NAMES: Readonly<Record<ControllerKind, readonly string[]>> = {
  Deployment: ['deployment', 'deployments', 'deploy', 'deployments.apps', 'deployment.apps'],
  DaemonSet: ['daemonset', 'daemonsets', 'ds', 'daemonsets.apps', 'daemonset.apps'],
  StatefulSet: ['statefulset', 'statefulsets', 'sts', 'statefulsets.apps', 'statefulset.apps'],
};

function unsupportedKind(kind: string): PodError {
  return new PodError({
    code: 'POD_CONTROLLER_UNSUPPORTED',
    message: 'rescue pods cannot be made from this kind',
    subject: kind,
    hint: `name a ${CONTROLLER_KINDS.join(', ')}`,
  });
}

function toIdentity(spec: Fields): NonNullable<PodController['identity']> {
  const { start } = fieldsAt(spec, 'ordinals');
  return {
    claims: listAt(spec, 'volumeClaimTemplates').flatMap((claim) => textAt(fieldsAt(claim, 'metadata'), 'name') ?? []),
    service: textAt(spec, 'serviceName') ?? '',
    firstOrdinal: typeof start === 'number' ? start : 0,
  };
}
