import {
  type KubernetesObject,
  ObjectError,
  type ObjectStore,
  type ResourceKind,
  type StoredObject,
} from '@kube-rescue/cluster-objects';

/** An in-memory `ObjectStore` with compare-and-swap. */
export interface MemoryObjects extends Pick<ObjectStore, 'get' | 'list' | 'replace'> {
  readonly all: () => readonly KubernetesObject[];
}

/** @param unreadable kinds whose list fails */
export function createMemoryObjects(
  objects: readonly KubernetesObject[],
  unreadable: readonly string[] = [],
): MemoryObjects {
  const stored = new Map(objects.map((object) => [keyOf(object.kind, object.metadata), { object, revision: 1 }]));
  const read = (kind: ResourceKind, key: string): StoredObject | undefined => {
    const found = stored.get(key);
    return found && { kind, object: found.object, revision: String(found.revision), partial: false, origin: key };
  };
  return {
    all: () => [...stored.values()].map(({ object }) => object),
    get: async ({ kind, namespace, name }) => read(kind, keyOf(kind.kind, { name, namespace })),
    async *list(kind, { namespace } = {}) {
      if (unreadable.includes(kind.kind)) {
        throw new ObjectError({ code: 'OBJECT_FIELD_UNSUPPORTED', message: 'of no known form', subject: kind.kind });
      }
      for (const [key, { object }] of stored) {
        if (object.kind !== kind.kind || (namespace !== undefined && object.metadata.namespace !== namespace)) continue;
        if (object.apiVersion.split('/').at(-2) !== (kind.group === '' ? undefined : kind.group)) continue;
        const found = read(kind, key);
        if (found !== undefined) yield found;
      }
    },
    replace: async (before, object) => {
      const key = String(before.origin);
      const present = stored.get(key);
      if (String(present?.revision) !== before.revision) {
        throw new ObjectError({
          code: 'OBJECT_CONFLICT',
          message: 'changed since',
          subject: key,
          hint: 'read it again',
        });
      }
      stored.set(key, { object, revision: (present?.revision ?? 0) + 1 });
      return { ...before, object, revision: String((present?.revision ?? 0) + 1) };
    },
  };
}

function keyOf(kind: string, { name, namespace }: { name: string; namespace?: string | undefined }): string {
  return `${kind} ${namespace ?? ''}/${name}`;
}

export function secret(namespace: string, name: string, texts: Readonly<Record<string, string>>): KubernetesObject {
  const data = Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type: 'Opaque', data };
}

export function deployment(
  namespace: string,
  name: string,
  container: Readonly<Record<string, unknown>>,
  pod: Readonly<Record<string, unknown>> = {},
): KubernetesObject {
  const containers = [{ name: 'main', ...container }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name },
    spec: { template: { metadata: {}, spec: { containers, ...pod } } },
  };
}
