import { type Fields, type KubernetesObject, listAt, textAt } from '@kube-rescue/cluster-objects';
import { createHash } from 'node:crypto';
import { CHECKPOINT } from '../controllers/component.ts';
import { describeController, type PodController } from '../controllers/pod-controller.ts';
import { chooseRescueLabels, type RescueLabels, type Selectors } from './rescue-labels.ts';

/** On a rescue pod: what it was cut out of, in full, for example `Deployment kube-system/kube-scheduler`. */
export const RESCUE_OF = 'kube-rescue.dev/rescue-of';

export interface RescuePod {
  readonly object: KubernetesObject;
  readonly chosen: RescueLabels;
}

/** What would keep a kubelet from taking the pod, or tells a scheduler what to do: its node is chosen. */
const ABOUT_SCHEDULING = [
  'nodeName',
  'nodeSelector',
  'affinity',
  'topologySpreadConstraints',
  'schedulingGates',
  'tolerations',
];

/**
 * Cuts one pod out of a template and pins it to a node. Pure; the same input makes the same pod.
 *
 * It has no owner, tolerates every taint, and asks for no node: kubelets refuse pods whose node selector or affinity does
 * not hold, or whose `NoExecute` taints are not tolerated. An image that is on the node is not pulled, as registries cannot
 * be found without DNS. No pod checkpointer copies it. Everything else is as the controller would have it; priority, token and default tolerations are
 * what the API server's admission adds to both alike. The pod of a StatefulSet has the host name and the volume claims of
 * the given number.
 */
export function cutRescuePod(
  controller: PodController,
  {
    node,
    ordinal,
    selectors,
  }: { readonly node: string; readonly ordinal?: number | undefined; readonly selectors: Selectors },
): RescuePod {
  const { kind, namespace, name, template } = controller;
  const chosen = chooseRescueLabels({ name, template: template.labels }, selectors);
  const { [CHECKPOINT]: _checkpoint, ...kept } = template.annotations;
  const annotations = { ...kept, [RESCUE_OF]: describeController(controller) };
  const kindly = Object.fromEntries(Object.entries(template.spec).filter(([key]) => !ABOUT_SCHEDULING.includes(key)));
  const spec = {
    ...kindly,
    ...(ordinal === undefined ? {} : identityOf(controller, ordinal)),
    ...withoutPulling(template.spec),
    nodeName: node,
    tolerations: [{ operator: 'Exists' }],
  };
  const metadata = {
    name: rescuePodName({ kind, name }, node),
    namespace,
    labels: chosen.labels,
    annotations,
  };
  return { object: { apiVersion: 'v1', kind: 'Pod', metadata, spec }, chosen };
}

/**
 * The name is always the same, so that a second run finds the pod of the first; that of a DaemonSet's is one for each node.
 * A StatefulSet adopts by the form `NAME-NUMBER`, which this never has.
 */
export function rescuePodName({ kind, name }: Pick<PodController, 'kind' | 'name'>, node: string): string {
  const suffix = kind === 'DaemonSet' ? `-rescue-${node}` : '-rescue';
  const whole = `${name}${suffix}`;
  if (whole.length <= LONGEST_NAME) return whole;
  const digest = createHash('sha256').update(whole).digest('hex').slice(0, 8);
  return `${name.slice(0, LONGEST_NAME - 16).replace(/[^a-z0-9]+$/, '')}-rescue-${digest}`;
}

/** A pod's name may have 253 characters, and in the name of its log folder its namespace and uid stand as well. */
const LONGEST_NAME = 140;

/** As the StatefulSet controller gives a pod its identity and storage (`pkg/controller/statefulset/stateful_set_utils.go`). */
function identityOf({ name, identity, template }: PodController, ordinal: number): Fields {
  const claims = identity?.claims ?? [];
  const others = listAt(template.spec, 'volumes').filter((volume) => !claims.includes(textAt(volume, 'name') ?? ''));
  const own = claims.map((claim) => ({
    name: claim,
    persistentVolumeClaim: { claimName: claimName(claim, name, ordinal) },
  }));
  return { hostname: `${name}-${ordinal}`, subdomain: identity?.service ?? '', volumes: [...others, ...own] };
}

export function claimName(claim: string, controller: string, ordinal: number): string {
  return `${claim}-${controller}-${ordinal}`;
}

function withoutPulling(spec: Fields): Fields {
  const lists = ['initContainers', 'containers'].filter((key) => Array.isArray(spec[key]));
  return Object.fromEntries(
    lists.map((key) => [
      key,
      listAt(spec, key).map((container) =>
        container['imagePullPolicy'] === 'Always' ? { ...container, imagePullPolicy: 'IfNotPresent' } : container,
      ),
    ]),
  );
}
