import type { Fields } from '@kube-rescue/cluster-objects';
import {
  isSelectedByController,
  isSelectedByService,
  type Labels,
  requiredKeys,
} from '../controllers/label-selector.ts';

/** The selectors of a namespace. */
export interface Selectors {
  /** ReplicaSets, DaemonSets and StatefulSets: each adopts a selected pod without an owner, then counts or deletes it. */
  readonly controllers: readonly { readonly name: string; readonly selector: Fields }[];
  readonly services: readonly { readonly name: string; readonly selector: Labels }[];
}

export interface RescueLabels {
  readonly labels: Labels;
  /** Omitted labels of the template, so that no controller adopts the pod. */
  readonly dropped: readonly string[];
  /** Services that select the regular pods, but not this one. */
  readonly unserved: readonly string[];
}

/**
 * Marks a rescue pod; the value is the name of its controller, cut to the length of a label value. Kubernetes requires a
 * prefix for labels of automated tools ("Labels and Selectors", "Syntax and character set").
 */
export const RESCUE_LABEL = 'kube-rescue.dev/rescue-of';

/** Set by controllers on their pods, never in a template. */
const SET_BY_CONTROLLERS = [
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
];

/**
 * The labels of a rescue pod: those of the template, so that Services select it, without a label that would let a
 * controller adopt it.
 *
 * The ReplicaSets of a Deployment also select `pod-template-hash`, which no template has: all labels stay, and a rescue DNS
 * pod is behind its Service. A DaemonSet or StatefulSet selects the labels of the template alone and would adopt the pod: a
 * selected label is dropped, preferably one that no Service selects. Otherwise the Service loses the pod: an adopted pod
 * could not be removed. ReplicationControllers and Jobs are not checked; Jobs select by their own uid.
 */
export function chooseRescueLabels(
  { name, template }: { readonly name: string; readonly template: Labels },
  { controllers, services }: Selectors,
): RescueLabels {
  const labels = new Map(Object.entries(template).filter(([key]) => !SET_BY_CONTROLLERS.includes(key)));
  const served = services.filter(({ selector }) => isSelectedByService(selector, template));
  const asked = new Set(served.flatMap(({ selector }) => Object.keys(selector)));
  labels.set(RESCUE_LABEL, labelValue(name));
  const dropped: string[] = [];
  for (;;) {
    const current = Object.fromEntries(labels);
    const adopter = controllers.find(({ selector }) => isSelectedByController(selector, current));
    const keys = requiredKeys(adopter?.selector ?? {}).filter((key) => labels.has(key));
    const key = keys.find((each) => !asked.has(each)) ?? keys[0];
    if (key === undefined) break;
    labels.delete(key);
    dropped.push(key);
  }
  const chosen = Object.fromEntries(labels);
  const unserved = served
    .filter(({ selector }) => !isSelectedByService(selector, chosen))
    .map((service) => service.name);
  return { labels: chosen, dropped, unserved };
}

/** The name of an object, cut to the length of a label value. */
function labelValue(name: string): string {
  const MOST = 63;
  return name.slice(0, MOST).replace(/[^a-z0-9A-Z]+$/, '');
}
