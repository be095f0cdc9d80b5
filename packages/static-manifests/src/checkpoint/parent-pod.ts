import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { parseManifest } from '../manifest-source.ts';
import type { CachedObject, Checkpoint } from './checkpoint.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a Secret volume's files are given by default: 0644. */
const DEFAULT_MODE = 0o644;

/** The DaemonSet that a checkpoint's parent belongs to: its selector matches the labels, which the checkpoint keeps. */
export function findOwner(
  checkpoint: Checkpoint,
  daemonSets: readonly KubernetesObject[],
): KubernetesObject | undefined {
  const candidates = daemonSets.filter(({ metadata, spec }) => {
    const selector = objectOf(objectOf(objectOf(spec).selector).matchLabels);
    const pairs = Object.entries(selector);
    const fits = pairs.every(([label, value]) => checkpoint.pod.labels.get(label) === value);
    return metadata.namespace === checkpoint.namespace && pairs.length > 0 && fits;
  });
  return candidates.find(({ metadata }) => checkpoint.name.startsWith(`${metadata.name}-`)) ?? candidates[0];
}

/**
 * The pod object of a parent, made anew from its checkpoint and its DaemonSet: as the DaemonSet's controller would have it,
 * so that it adopts the pod, and bound to its node, as nobody schedules.
 *
 * It gets a new UID from the store. To the kubelet it is another pod than the one before: it starts it and ends what is left
 * of the old one; to the checkpointer it is the same parent, as that goes by namespace and name.
 * @returns `undefined` when the checkpoint does not say on which node it runs
 */
export function createParentPod(checkpoint: Checkpoint, owner: KubernetesObject): KubernetesObject | undefined {
  const { manifest, labels } = checkpoint.pod;
  const spec = objectOf(parseManifest(manifest.source, manifest.path).object.spec);
  if (typeof spec.nodeName !== 'string' || owner.metadata.uid === undefined) return undefined;
  const template = objectOf(objectOf(owner.spec).template);
  const templateSpec = objectOf(template.spec);
  const account = textOf(templateSpec.serviceAccountName) ?? textOf(templateSpec.serviceAccount) ?? 'default';
  const annotations = objectOf(objectOf(template.metadata).annotations) as Readonly<Record<string, string>>;
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
      volumes: listOf(spec.volumes).map((volume) => restoreVolume(volume, checkpoint.objects, templateSpec)),
    },
    status: { phase: 'Pending' },
  };
}

/** The checkpointer turned Secrets and ConfigMaps into folders of the host; the parent has the objects themselves. */
function restoreVolume(volume: Fields, objects: readonly CachedObject[], templateSpec: Fields): Fields {
  const cached = objects.find((object) => object.volume !== undefined && object.volume === volume.name);
  if (cached === undefined) return volume;
  const original = listOf(templateSpec.volumes).find(({ name }) => name === volume.name);
  if (original !== undefined) return original;
  const source =
    cached.kind === 'Secret'
      ? { secret: { secretName: cached.name, defaultMode: DEFAULT_MODE } }
      : { configMap: { name: cached.name, defaultMode: DEFAULT_MODE } };
  return { name: cached.volume, ...source };
}

function objectOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
