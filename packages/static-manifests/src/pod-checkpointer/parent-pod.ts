import { type Fields, fieldsAt, type KubernetesObject, listAt, textAt } from '@kube-rescue/cluster-objects';
import { readManifestObject } from '@kube-rescue/node-config';
import type { CachedObject, Checkpoint } from './checkpoint.ts';

/** The default mode of a Secret volume's files: 0644. */
const DEFAULT_MODE = 0o644;

/** The DaemonSet of a checkpoint's parent: its selector matches the labels, which the checkpoint keeps. */
export function findOwner(
  checkpoint: Checkpoint,
  daemonSets: readonly KubernetesObject[],
): KubernetesObject | undefined {
  const candidates = daemonSets.filter(({ metadata, spec }) => {
    const selector = fieldsAt(spec, 'selector', 'matchLabels');
    const pairs = Object.entries(selector);
    const fits = pairs.every(([label, value]) => checkpoint.pod.labels.get(label) === value);
    return metadata.namespace === checkpoint.namespace && pairs.length > 0 && fits;
  });
  return candidates.find(({ metadata }) => checkpoint.name.startsWith(`${metadata.name}-`)) ?? candidates[0];
}

/**
 * The pod object of a parent, recreated from its checkpoint and its DaemonSet: in the form of the DaemonSet controller,
 * so that it adopts the pod, and bound to its node, because no scheduler runs.
 *
 * The store assigns a new UID. The kubelet therefore starts it as another pod and ends the remains of the old one; the
 * checkpointer still finds the same parent, by namespace and name.
 * @returns `undefined` when the checkpoint does not name its node
 */
export function createParentPod(checkpoint: Checkpoint, owner: KubernetesObject): KubernetesObject | undefined {
  const { manifest, labels } = checkpoint.pod;
  const spec = fieldsAt(readManifestObject(manifest.source, manifest.path), 'spec');
  if (typeof spec.nodeName !== 'string' || owner.metadata.uid === undefined) return undefined;
  const template = fieldsAt(owner, 'spec', 'template');
  const templateSpec = fieldsAt(template, 'spec');
  const account = textAt(templateSpec, 'serviceAccountName') || textAt(templateSpec, 'serviceAccount') || 'default';
  const annotations = fieldsAt(template, 'metadata', 'annotations') as Readonly<Record<string, string>>;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: checkpoint.name,
      namespace: checkpoint.namespace,
      generateName: `${owner.metadata.name}-`,
      labels: Object.fromEntries(labels),
      annotations,
      ownerReferences: [
        {
          ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: owner.metadata.name, uid: owner.metadata.uid },
          ...{ controller: true, blockOwnerDeletion: true },
        },
      ],
    },
    spec: {
      ...spec,
      ...(templateSpec.affinity === undefined ? {} : { affinity: templateSpec.affinity }),
      serviceAccountName: account,
      serviceAccount: account,
      volumes: listAt(spec, 'volumes').map((volume) => restoreVolume(volume, checkpoint.objects, templateSpec)),
    },
    status: { phase: 'Pending' },
  };
}

/** The checkpointer replaced Secrets and ConfigMaps by directories of the host; the parent mounts the objects themselves. */
function restoreVolume(volume: Fields, objects: readonly CachedObject[], templateSpec: Fields): Fields {
  const cached = objects.find((object) => object.volume !== undefined && object.volume === volume.name);
  if (cached === undefined) return volume;
  const original = listAt(templateSpec, 'volumes').find(({ name }) => name === volume.name);
  if (original !== undefined) return original;
  const source =
    cached.kind === 'Secret'
      ? { secret: { secretName: cached.name, defaultMode: DEFAULT_MODE } }
      : { configMap: { name: cached.name, defaultMode: DEFAULT_MODE } };
  return { name: cached.volume, ...source };
}
