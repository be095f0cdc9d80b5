import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { kubeletVersionOf, labelsOf, taintsOf } from './node-object.ts';
import { isSameLocation, parseLabel, parseTaint, type Taint } from './taint.ts';

/** Sources of the taints and labels of a Node. Each may be absent. */
export interface RoleSources {
  /** As requested by the operator; these override present values. */
  readonly asked?:
    | { readonly taints?: readonly Taint[]; readonly labels?: Readonly<Record<string, string>> }
    | undefined;
  /** The Node in the journals of earlier runs, the oldest first. */
  readonly earlier?: readonly KubernetesObject[] | undefined;
  /** Flags of the node's kubelet by name: `register-with-taints` and `node-labels` are of interest. */
  readonly kubeletFlags?: ReadonlyMap<string, string> | undefined;
}

/** A wanted taint or label, with its source. */
export interface Wanted<T> {
  readonly value: T;
  readonly source: string;
  /** Requested by the operator, so it replaces another value. */
  readonly isAsked: boolean;
}

const MASTER = 'node-role.kubernetes.io/master';
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
/** From this minor version on, kubeadm taints with the new key; until the next, with the old one as well. */
const FIRST_WITH_CONTROL_PLANE = 24;
const FIRST_WITHOUT_MASTER = 25;

/** Taints and labels that controllers manage. */
const CONTROLLED = /^(?:node\.kubernetes\.io|node\.cloudprovider\.kubernetes\.io)\//;
const REPORTED_LABELS =
  /^(?:beta\.)?kubernetes\.io\/(?:arch|os|hostname)$|^(?:topology|failure-domain\.beta)\.kubernetes\.io\//;

/**
 * The wanted taints of a Node: as requested, as in earlier runs, as registered by its kubelet (Tectonic), and by the
 * kubeadm convention for a node with a control-plane label. The first source of a key and effect wins.
 *
 * Source of the convention: kubeadm, `phases/markcontrolplane`.
 */
export function wantedTaints(node: KubernetesObject, sources: RoleSources): readonly Wanted<Taint>[] {
  const all: readonly Wanted<Taint>[] = [
    ...from(sources.asked?.taints ?? [], 'as asked', true),
    ...from(
      (sources.earlier ?? []).flatMap(taintsOf).filter(({ key }) => !CONTROLLED.test(key)),
      'the journal of an earlier run',
    ),
    ...from(flagItems(sources, 'register-with-taints', parseTaint), 'the kubelet flag --register-with-taints'),
    ...from(conventionalTaints(node), 'the kubeadm convention for a node with this label'),
  ];
  return all.filter(({ value }, index) => all.findIndex((each) => isSameLocation(each.value, value)) === index);
}

/** The wanted labels of a Node; the same sources without the convention, which depends on a label. */
export function wantedLabels(sources: RoleSources): readonly Wanted<readonly [key: string, value: string]>[] {
  const seen = (sources.earlier ?? []).flatMap((node) => Object.entries(labelsOf(node)));
  const all = [
    ...from(Object.entries(sources.asked?.labels ?? {}), 'as asked', true),
    ...from(
      seen.filter(([key]) => !CONTROLLED.test(key) && !REPORTED_LABELS.test(key)),
      'the journal of an earlier run',
    ),
    ...from(flagItems(sources, 'node-labels', parseLabel), 'the kubelet flag --node-labels'),
  ];
  return all.filter(({ value: [key] }, index) => all.findIndex((each) => each.value[0] === key) === index);
}

function from<T>(values: readonly T[], source: string, isAsked = false): readonly Wanted<T>[] {
  return values.map((value) => ({ value, source, isAsked }));
}

/** Invalid items are ignored: the kubelet would not start with them. */
function flagItems<T>({ kubeletFlags }: RoleSources, flag: string, parse: (text: string) => T): readonly T[] {
  const items = (kubeletFlags?.get(flag) ?? '').split(',').filter((item) => item !== '');
  return items.flatMap((item) => {
    try {
      return [parse(item)];
    } catch (error) {
      if (isRecoveryError(error)) return [];
      throw error;
    }
  });
}

function conventionalTaints(node: KubernetesObject): readonly Taint[] {
  const labels = labelsOf(node);
  const minor = Number(/^v?1\.(\d+)/.exec(kubeletVersionOf(node) ?? '')?.[1] ?? Number.NaN);
  // Unknown version: each label has a taint with its own name.
  const wantsMaster = !(minor >= FIRST_WITHOUT_MASTER) || !Object.hasOwn(labels, CONTROL_PLANE);
  const wantsControlPlane = !(minor < FIRST_WITH_CONTROL_PLANE) || !Object.hasOwn(labels, MASTER);
  const keys = [...(wantsMaster ? [MASTER] : []), ...(wantsControlPlane ? [CONTROL_PLANE] : [])];
  return keys.filter((key) => Object.hasOwn(labels, key)).map((key) => ({ key, effect: 'NoSchedule' }));
}
