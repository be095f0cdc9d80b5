import { join } from 'node:path';
import type { CheckpointDirectories } from './checkpoint-paths.ts';
import { CHECKPOINT_OF, isCheckpoint, type Pod } from './pod.ts';

/** Fields that are newer than the client library of this checkpointer version: they are lost when it reads a pod. */
const UNKNOWN_POD_FIELDS = new Set([
  'enableServiceLinks',
  'preemptionPolicy',
  'overhead',
  'readinessGates',
  'runtimeClassName',
  'setHostnameAsFQDN',
  'shareProcessNamespace',
  'topologySpreadConstraints',
  'ephemeralContainers',
]);
const UNKNOWN_CONTAINER_FIELDS = new Set(['startupProbe', 'volumeDevices']);
/** Fields that a static pod may not have. This checkpointer version keeps `nodeSelector`. */
const REMOVED_FROM_SPEC = new Set(['serviceAccountName', 'serviceAccount', 'affinity']);

/**
 * The manifest of the checkpoint of `parent`, which runs without an API server.
 *
 * Rendering a checkpoint that was read back returns the same bytes.
 */
export function renderCheckpoint(parent: Pod, directories: CheckpointDirectories): Buffer {
  return encode(isCheckpoint(parent) ? parent : sanitize(parent, directories));
}

function sanitize({ metadata, spec }: Pod, directories: CheckpointDirectories): object {
  const { name, namespace, labels, uid } = metadata;
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace,
      creationTimestamp: null,
      ...(labels === undefined ? {} : { labels }),
      annotations: { [CHECKPOINT_OF]: name },
      // Without an owner the DaemonSet would adopt the mirror pod; with the DaemonSet as its owner it would delete it.
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }],
    },
    spec: Object.fromEntries(
      Object.entries(spec)
        .filter(([key]) => !REMOVED_FROM_SPEC.has(key) && !UNKNOWN_POD_FIELDS.has(key))
        .map(([key, value]) => [key, sanitizeField(key, value, metadata, directories)]),
    ),
    status: {},
  };
}

function sanitizeField(
  key: string,
  value: unknown,
  metadata: Pod['metadata'],
  directories: CheckpointDirectories,
): unknown {
  if (key === 'volumes') {
    return (value as NonNullable<Pod['spec']['volumes']>).map((volume) => localVolume(volume, metadata, directories));
  }
  if (key === 'containers' || key === 'initContainers') {
    return (value as readonly object[]).map((container) =>
      Object.fromEntries(Object.entries(container).filter(([field]) => !UNKNOWN_CONTAINER_FIELDS.has(field))),
    );
  }
  return value;
}

type Volume = NonNullable<Pod['spec']['volumes']>[number];

function localVolume(volume: Volume, { namespace, name }: Pod['metadata'], directories: CheckpointDirectories): object {
  const { secret, configMap } = volume;
  if (secret !== undefined) {
    return { name: volume.name, hostPath: { path: join(directories.secrets, namespace, name, secret.secretName) } };
  }
  if (configMap !== undefined) {
    return { name: volume.name, hostPath: { path: join(directories.configMaps, namespace, name, configMap.name) } };
  }
  return volume;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

// One line with a newline, as Go's encoder writes it: characters that are special in HTML are escaped.
function encode(document: object): Buffer {
  const json = JSON.stringify(document).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => ESCAPES[character] ?? character,
  );
  return Buffer.from(`${json}\n`);
}
