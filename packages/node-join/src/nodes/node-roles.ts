import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { kubeletVersionOf, labelsOf, taintsOf } from './node-object.ts';
import { isSameLocation, parseLabel, parseTaint, type Taint } from './taint.ts';

/** What says how a Node was. Each may be absent. */
export interface RoleSources {
  /** As asked by a person; their values win over those that are there. */
  readonly asked?:
    | { readonly taints?: readonly Taint[]; readonly labels?: Readonly<Record<string, string>> }
    | undefined;
  /** The Node as earlier runs have seen it, from their journals; the oldest first. */
  readonly earlier?: readonly KubernetesObject[] | undefined;
  /** Flags of the node's kubelet by name: `register-with-taints` and `node-labels` are of interest. */
  readonly kubeletFlags?: ReadonlyMap<string, string> | undefined;
}

/** Something a Node should have, and who says so. */
export interface Wanted<T> {
  readonly value: T;
  readonly source: string;
  /** A person asked for it, so another value in its place gives way. */
  readonly isAsked: boolean;
}

const MASTER = 'node-role.kubernetes.io/master';
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
/** From this minor version on, kubeadm taints with the new key; until the next, with the old one as well. */
const FIRST_WITH_CONTROL_PLANE = 24;
const FIRST_WITHOUT_MASTER = 25;

/** Taints and labels that controllers set and take away by themselves. */
const CONTROLLED = /^(?:node\.kubernetes\.io|node\.cloudprovider\.kubernetes\.io)\//;
const REPORTED_LABELS =
  /^(?:beta\.)?kubernetes\.io\/(?:arch|os|hostname)$|^(?:topology|failure-domain\.beta)\.kubernetes\.io\//;

/**
 * The taints that a Node should have: as asked, as earlier runs saw it, as its kubelet registers it (Tectonic), and by
 * kubeadm's convention for a node with a control-plane label. The first that says something about a key and effect holds.
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
    ...from(conventionalTaints(node), "kubeadm's convention for a node with this label"),
  ];
  return all.filter(({ value }, index) => all.findIndex((each) => isSameLocation(each.value, value)) === index);
}

/** The labels that a Node should have; the same sources but the convention, because that starts from a label. */
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

/** An item that cannot be read is not guessed at: the kubelet would not start with it either. */
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
  // An unknown version: each label has a taint of its own name.
  const wantsMaster = !(minor >= FIRST_WITHOUT_MASTER) || !Object.hasOwn(labels, CONTROL_PLANE);
  const wantsControlPlane = !(minor < FIRST_WITH_CONTROL_PLANE) || !Object.hasOwn(labels, MASTER);
  const keys = [...(wantsMaster ? [MASTER] : []), ...(wantsControlPlane ? [CONTROL_PLANE] : [])];
  return keys.filter((key) => Object.hasOwn(labels, key)).map((key) => ({ key, effect: 'NoSchedule' }));
}
