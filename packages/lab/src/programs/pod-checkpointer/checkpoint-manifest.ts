import { join } from 'node:path';
import type { CheckpointDirectories } from './checkpoint-paths.ts';
import { CHECKPOINT_OF, isCheckpoint, type Pod } from './pod.ts';

/** Fields that are younger than the client library of this line of the checkpointer: reading a pod loses them. */
const YOUNGER_POD_FIELDS = new Set([
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
const YOUNGER_CONTAINER_FIELDS = new Set(['startupProbe', 'volumeDevices']);
/** What ties a pod to the API server: a static pod may not carry it. `nodeSelector` stays in this line. */
const TAKEN_FROM_SPEC = new Set(['serviceAccountName', 'serviceAccount', 'affinity']);

/**
 * The copy of `parent` that runs without an API server, as it is written to disk.
 *
 * A pod that was read back from such a copy gives the same bytes again.
 */
export function renderCheckpoint(parent: Pod, folders: CheckpointDirectories): Buffer {
  return encode(isCheckpoint(parent) ? parent : sanitize(parent, folders));
}

function sanitize({ metadata, spec }: Pod, folders: CheckpointDirectories): object {
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
        .filter(([key]) => !TAKEN_FROM_SPEC.has(key) && !YOUNGER_POD_FIELDS.has(key))
        .map(([key, value]) => [key, sanitizeField(key, value, metadata, folders)]),
    ),
    status: {},
  };
}

function sanitizeField(
  key: string,
  value: unknown,
  metadata: Pod['metadata'],
  folders: CheckpointDirectories,
): unknown {
  if (key === 'volumes') {
    return (value as NonNullable<Pod['spec']['volumes']>).map((volume) => localVolume(volume, metadata, folders));
  }
  if (key === 'containers' || key === 'initContainers') {
    return (value as readonly object[]).map((container) =>
      Object.fromEntries(Object.entries(container).filter(([field]) => !YOUNGER_CONTAINER_FIELDS.has(field))),
    );
  }
  return value;
}

type Volume = NonNullable<Pod['spec']['volumes']>[number];

function localVolume(volume: Volume, { namespace, name }: Pod['metadata'], folders: CheckpointDirectories): object {
  const { secret, configMap } = volume;
  if (secret !== undefined) {
    return { name: volume.name, hostPath: { path: join(folders.secrets, namespace, name, secret.secretName) } };
  }
  if (configMap !== undefined) {
    return { name: volume.name, hostPath: { path: join(folders.configMaps, namespace, name, configMap.name) } };
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

// One line, as Go's encoder makes it: it escapes what HTML would misread, and ends with a newline.
function encode(document: object): Buffer {
  const json = JSON.stringify(document).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => ESCAPES[character] ?? character,
  );
  return Buffer.from(`${json}\n`);
}
