import { type Fields, fieldsAt, listAt, textAt } from '@kube-rescue/cluster-objects';
import type { ClusterReading } from './cluster-reading.ts';
import type { FieldLocation } from './credential-location.ts';

/** The value of a container variable, and where it is stored. */
export interface LocatedValue {
  readonly value: string;
  readonly location: FieldLocation;
}

/** The variables that the kubelet would set: `env` overrides `envFrom`, later entries override earlier ones. */
export async function readContainerEnvironment(
  container: Fields,
  namespace: string,
  cluster: ClusterReading,
): Promise<ReadonlyMap<string, LocatedValue>> {
  const variables = new Map<string, LocatedValue>();
  for (const source of listAt(container, 'envFrom')) {
    const prefix = textAt(source, 'prefix') ?? '';
    for (const [kind, key] of [
      ['Secret', 'secretRef'],
      ['ConfigMap', 'configMapRef'],
    ] as const) {
      const name = textAt(fieldsAt(source, key), 'name');
      if (name === undefined) continue;
      for (const [field, value] of Object.entries(await cluster.texts(kind, namespace, name))) {
        variables.set(prefix + field, { value, location: locationOf(kind, namespace, name, field) });
      }
    }
  }
  const own = textAt(container, 'name') ?? '';
  for (const entry of listAt(container, 'env')) {
    const variable = textAt(entry, 'name') ?? '';
    const found = (await readReference(entry, namespace, cluster)) ?? {
      value: textAt(entry, 'value') ?? '',
      location: { kind: 'env', container: own, variable } as const,
    };
    if (found.value !== '' || entry['valueFrom'] === undefined) variables.set(variable, found);
  }
  return variables;
}

async function readReference(
  entry: Fields,
  namespace: string,
  cluster: ClusterReading,
): Promise<LocatedValue | undefined> {
  for (const [kind, key] of [
    ['Secret', 'secretKeyRef'],
    ['ConfigMap', 'configMapKeyRef'],
  ] as const) {
    const reference = fieldsAt(entry, 'valueFrom', key);
    const name = textAt(reference, 'name');
    const field = textAt(reference, 'key');
    if (name === undefined || field === undefined) continue;
    const value = (await cluster.texts(kind, namespace, name))[field] ?? '';
    return { value, location: locationOf(kind, namespace, name, field) };
  }
  return undefined;
}

function locationOf(kind: 'Secret' | 'ConfigMap', namespace: string, name: string, key: string): FieldLocation {
  if (kind === 'Secret') return { kind: 'secret', namespace, name, key };
  return { kind: 'elsewhere', where: `ConfigMap ${namespace}/${name}, key ${key}` };
}
