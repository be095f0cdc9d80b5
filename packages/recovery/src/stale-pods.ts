import { fieldOf } from './api-reading.ts';

const ROOT_CONFIG_MAP = 'kube-root-ca.crt';
/** kube-controller-manager publishes a new CA within seconds of its start; whatever is later has another reason. */
const PUBLISHED_WITHIN_MS = 60 * 60_000;

/**
 * The pods, as `NAMESPACE/NAME`, with a container that started before the present CA was put where its service account
 * reads it. What such a container has read is not known: one that reads the file again and again has the new CA by now.
 *
 * Pure; the objects are as the API server lists them.
 */
export function findStalePods(input: {
  readonly pods: readonly unknown[];
  readonly configMaps: readonly unknown[];
  readonly secrets: readonly unknown[];
  /** When the present CA begins. */
  readonly issuedAfter: Date;
}): readonly string[] {
  const { pods, configMaps, secrets, issuedAfter } = input;
  const publishedAt = new Map<string, Date>();
  for (const [kind, objects] of [
    ['ConfigMap', configMaps],
    ['Secret', secrets],
  ] as const) {
    for (const object of objects) {
      const at = lastWritten(object);
      const age = at === undefined ? -1 : at.getTime() - issuedAfter.getTime();
      if (at !== undefined && age >= 0 && age < PUBLISHED_WITHIN_MS)
        publishedAt.set(keyOf(kind, object, nameOf(object)), at);
    }
  }
  return pods.flatMap((pod) => {
    const times = sourcesOf(pod).map(([kind, name]) => publishedAt.get(keyOf(kind, pod, name)));
    const at = times.find((time) => time !== undefined);
    const isOld = at !== undefined && startsOf(pod).some((start) => start < at);
    return isOld ? [`${String(fieldOf(pod, 'metadata', 'namespace'))}/${nameOf(pod)}`] : [];
  });
}

function nameOf(object: unknown): string {
  return String(fieldOf(object, 'metadata', 'name'));
}

function keyOf(kind: string, object: unknown, name: string): string {
  return `${kind} ${String(fieldOf(object, 'metadata', 'namespace'))}/${name}`;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function lastWritten(object: unknown): Date | undefined {
  const times = listOf(fieldOf(object, 'metadata', 'managedFields')).map((entry) => fieldOf(entry, 'time'));
  const latest = times
    .filter((time) => typeof time === 'string')
    .toSorted()
    .at(-1);
  return latest === undefined ? undefined : new Date(latest);
}

type Source = readonly ['ConfigMap' | 'Secret', string];

/** What a pod's volumes take the CA from: a token Secret, or the ConfigMap of its namespace (Kubernetes 1.21 and later). */
function sourcesOf(pod: unknown): readonly Source[] {
  return listOf(fieldOf(pod, 'spec', 'volumes')).flatMap((volume): readonly Source[] => {
    const secret = fieldOf(volume, 'secret', 'secretName');
    if (typeof secret === 'string') return [['Secret', secret]];
    const projected = listOf(fieldOf(volume, 'projected', 'sources'));
    const isRoot = projected.some((source) => fieldOf(source, 'configMap', 'name') === ROOT_CONFIG_MAP);
    return isRoot ? [['ConfigMap', ROOT_CONFIG_MAP]] : [];
  });
}

function startsOf(pod: unknown): readonly Date[] {
  return listOf(fieldOf(pod, 'status', 'containerStatuses'))
    .map((status) => fieldOf(status, 'state', 'running', 'startedAt'))
    .filter((time) => typeof time === 'string')
    .map((time) => new Date(time));
}
