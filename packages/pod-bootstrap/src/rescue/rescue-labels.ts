import type { Fields } from '@kube-rescue/cluster-objects';
import {
  isSelectedByController,
  isSelectedByService,
  type Labels,
  requiredKeys,
} from '../controllers/label-selector.ts';

/** Who picks pods of a namespace by their labels. */
export interface Selectors {
  /** ReplicaSets, DaemonSets and StatefulSets: they adopt a pod without an owner that they select, then count or delete it. */
  readonly controllers: readonly { readonly name: string; readonly selector: Fields }[];
  readonly services: readonly { readonly name: string; readonly selector: Labels }[];
}

export interface RescueLabels {
  readonly labels: Labels;
  /** Labels of the template that were left out, so that no controller adopts the pod. */
  readonly dropped: readonly string[];
  /** Services that send to the real pods and will not send to this one. */
  readonly unserved: readonly string[];
}

/**
 * Marks a rescue pod; its value is the name of what it was cut out of, as far as a label holds it. A prefix that is a domain
 * of one's own is what Kubernetes asks of labels that tools set ("Labels and Selectors", "Syntax and character set").
 */
export const RESCUE_LABEL = 'kube-rescue.dev/rescue-of';

/** Set by controllers on their pods, and in no template. */
const SET_BY_CONTROLLERS = [
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
];

/**
 * The labels of a rescue pod: those of the template, so that Services send to it as to the real ones, less what a controller
 * would adopt it by.
 *
 * A Deployment's ReplicaSets select by `pod-template-hash` as well, which no template has: its labels stay as they are, and
 * a rescue DNS pod is behind its Service. A DaemonSet or StatefulSet selects by the template's labels alone, and would
 * adopt the pod: then a label that it asks for goes, one that no Service asks for if there is any. If there is none, the
 * Service goes without: a pod that is adopted is no longer ours to remove. ReplicationControllers and Jobs are not looked
 * at; the latter select by their own uid.
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

/** A name of an object is a label's value if it is short enough; objects may have longer names. */
function labelValue(name: string): string {
  const MOST = 63;
  return name.slice(0, MOST).replace(/[^a-z0-9A-Z]+$/, '');
}
