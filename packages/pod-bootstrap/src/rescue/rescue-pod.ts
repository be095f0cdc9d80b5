import { type Fields, type KubernetesObject, listAt, textAt } from '@kube-rescue/cluster-objects';
import { createHash } from 'node:crypto';
import { CHECKPOINT } from '../controllers/component.ts';
import { describeController, type PodController } from '../controllers/pod-controller.ts';
import { chooseRescueLabels, type RescueLabels, type Selectors } from './rescue-labels.ts';

/** Annotation of a rescue pod: its controller, for example `Deployment kube-system/kube-scheduler`. */
export const RESCUE_OF = 'kube-rescue.dev/rescue-of';

export interface RescuePod {
  readonly object: KubernetesObject;
  readonly chosen: RescueLabels;
}

/** Fields for the scheduler, or that could make the kubelet reject the pod: the node is already chosen. */
const ABOUT_SCHEDULING = [
  'nodeName',
  'nodeSelector',
  'affinity',
  'topologySpreadConstraints',
  'schedulingGates',
  'tolerations',
];

/**
 * Creates one pod from a template and binds it to a node. Pure; the same input makes the same pod.
 *
 * The pod has no owner, tolerates every taint, and has no node selector: kubelets reject pods whose node selector or
 * affinity does not match, or whose `NoExecute` taints are not tolerated. An image on the node is not pulled, as registries
 * need DNS. The pod is not checkpointed. Everything else is as in the template; admission adds priority, token and default
 * tolerations as usual. The pod of a StatefulSet has the host name and the volume claims of the given ordinal.
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
  const unscheduled = Object.fromEntries(
    Object.entries(template.spec).filter(([key]) => !ABOUT_SCHEDULING.includes(key)),
  );
  const spec = {
    ...unscheduled,
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
 * A fixed name, so that a second run finds the pod of the first; for a DaemonSet, one name per node. Never `NAME-NUMBER`,
 * which a StatefulSet would adopt.
 */
export function rescuePodName({ kind, name }: Pick<PodController, 'kind' | 'name'>, node: string): string {
  const suffix = kind === 'DaemonSet' ? `-rescue-${node}` : '-rescue';
  const whole = `${name}${suffix}`;
  if (whole.length <= LONGEST_NAME) return whole;
  const digest = createHash('sha256').update(whole).digest('hex').slice(0, 8);
  return `${name.slice(0, LONGEST_NAME - 16).replace(/[^a-z0-9]+$/, '')}-rescue-${digest}`;
}

/** A pod name may have 253 characters, and the name of its log directory also contains namespace and uid. */
const LONGEST_NAME = 140;

/** Identity and storage as the StatefulSet controller sets them (`pkg/controller/statefulset/stateful_set_utils.go`). */
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
