import { fieldOf } from './api-reading.ts';

const ROOT_CONFIG_MAP = 'kube-root-ca.crt';

/**
 * The pods, as `NAMESPACE/NAME`, that are handed the CA of their service account and have a container that started before
 * `publishedAt`. What such a container has read is not known: one that reads the file again and again has the new CA by now.
 *
 * Pure; the objects are as the API server lists them.
 */
export function findStalePods(input: {
  readonly pods: readonly unknown[];
  /** The token Secrets of all service accounts. */
  readonly secrets: readonly unknown[];
  readonly publishedAt: Date;
}): readonly string[] {
  const { pods, secrets, publishedAt } = input;
  const tokens = new Set(secrets.map((secret) => fullName(secret, nameOf(secret))));
  return pods.flatMap((pod) => {
    const isHanded = listOf(fieldOf(pod, 'spec', 'volumes')).some((volume) => handsOutCa(volume, pod, tokens));
    return isHanded && startsOf(pod).some((start) => start < publishedAt) ? [fullName(pod, nameOf(pod))] : [];
  });
}

/** From a token Secret, or from the ConfigMap of the namespace (Kubernetes 1.21 and later). */
function handsOutCa(volume: unknown, pod: unknown, tokens: ReadonlySet<string>): boolean {
  const secret = fieldOf(volume, 'secret', 'secretName');
  if (typeof secret === 'string') return tokens.has(fullName(pod, secret));
  const sources = listOf(fieldOf(volume, 'projected', 'sources'));
  return sources.some((source) => fieldOf(source, 'configMap', 'name') === ROOT_CONFIG_MAP);
}

function nameOf(object: unknown): string {
  return String(fieldOf(object, 'metadata', 'name'));
}

function fullName(object: unknown, name: string): string {
  return `${String(fieldOf(object, 'metadata', 'namespace'))}/${name}`;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function startsOf(pod: unknown): readonly Date[] {
  return listOf(fieldOf(pod, 'status', 'containerStatuses'))
    .map((status) => fieldOf(status, 'state', 'running', 'startedAt'))
    .filter((time) => typeof time === 'string')
    .map((time) => new Date(time));
}
