import { type KubeletConfiguration, parseManifest } from '@kube-rescue/node-config';
import { ManifestError } from '../errors.ts';
import type { Checkpoint, Checkpoints } from './checkpoint.ts';

/**
 * Labels that a kubelet sets on its Node by itself, or from its cloud provider: kubelet_node_status.go, initialNode. Their
 * values are not checked.
 */
const OWN_LABELS =
  /^(?:(?:beta\.)?kubernetes\.io\/(?:hostname|os|arch)|node\.kubernetes\.io\/(?:instance-type|windows-build)|beta\.kubernetes\.io\/instance-type|(?:topology|failure-domain\.beta)\.kubernetes\.io\/(?:zone|region))$/;

/**
 * Checkpoints that the kubelet would refuse for their `nodeSelector` at a start without an API server: it also matches a
 * static pod against its Node, and knows only the labels that it sets itself until it has read the Node.
 *
 * Empty when the kubelet's command line is unknown. Does not cover node affinity, which a checkpointer drops.
 */
export function findRefusedCheckpoints(
  { checkpoints }: Pick<Checkpoints, 'checkpoints'>,
  { origin, component }: Pick<KubeletConfiguration, 'origin' | 'component'>,
): readonly ManifestError[] {
  const flag = component.flags.get('node-labels') ?? '';
  if (origin === 'kubeadm-defaults' || flag.includes('$')) return [];
  const labels = readLabels(flag);
  return checkpoints.flatMap((checkpoint) => {
    const unknown = selectorOf(checkpoint).filter(
      ([label, value]) => !OWN_LABELS.test(label) && labels.get(label) !== value,
    );
    return unknown.length === 0 ? [] : [refused(checkpoint, unknown)];
  });
}

/** Parses `KEY[=VALUE],...` as the kubelet does. */
function readLabels(flag: string): ReadonlyMap<string, string> {
  return new Map(
    flag.split(',').map((item) => {
      const [label = '', ...value] = item.split('=');
      return [label.trim(), value.join('=').trim()];
    }),
  );
}

function selectorOf({ pod }: Checkpoint): readonly (readonly [label: string, value: string])[] {
  const { spec } = parseManifest(pod.manifest.source, pod.manifest.path).object as {
    readonly spec?: { readonly nodeSelector?: unknown } | null;
  };
  const selector = spec?.nodeSelector;
  if (typeof selector !== 'object' || selector === null) return [];
  return Object.entries(selector).map(([label, value]) => [label, String(value)]);
}

function refused(
  { component, pod }: Checkpoint,
  unknown: readonly (readonly [label: string, value: string])[],
): ManifestError {
  const [[first] = ['']] = unknown;
  const names = unknown.map(([label, value]) => (value === '' ? label : `${label}=${value}`)).join(', ');
  const other = first.startsWith('node-role.kubernetes.io/')
    ? ' (since 1.16 a kubelet cannot set node-role.kubernetes.io labels: use node.kubernetes.io/master)'
    : '';
  return new ManifestError({
    code: 'CHECKPOINT_REFUSED',
    message: `the checkpoint of ${component} selects a node with ${names}, which its kubelet does not know without an API server, so the kubelet would reject it`,
    subject: pod.manifest.path,
    hint: `set the label with --node-labels of the kubelet, and select that label in the DaemonSet of ${component}${other}; while no API server runs, remove nodeSelector from the manifest`,
  });
}
