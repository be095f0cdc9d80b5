import {
  customKind,
  fieldsAt,
  type KubernetesObject,
  type ObjectReference,
  type ObjectStore,
  RESOURCE_KINDS,
  type ResourceKind,
  textAt,
} from '@kube-rescue/cluster-objects';
import { describeError, isRecoveryError } from '@kube-rescue/errors';

/** The reading part of `ObjectStore`. */
export type ObjectReader = Pick<ObjectStore, 'get' | 'list'>;

/** The IngressRoutes of Traefik, in the new and the old API group. */
export const INGRESS_ROUTES: readonly ResourceKind[] = ['traefik.io', 'traefik.containo.us'].map((group) =>
  customKind({ kind: 'IngressRoute', group, version: 'v1alpha1', resource: 'ingressroutes', namespaced: true }),
);

const ISSUERS: readonly ResourceKind[] = [
  customKind({
    kind: 'ClusterIssuer',
    group: 'cert-manager.io',
    version: 'v1',
    resource: 'clusterissuers',
    namespaced: false,
  }),
  customKind({ kind: 'Issuer', group: 'cert-manager.io', version: 'v1', resource: 'issuers', namespaced: true }),
];

/** Reads each object of a cluster once and records what could not be read. */
export interface ClusterReading {
  list(kind: ResourceKind, namespace?: string): Promise<readonly KubernetesObject[]>;
  issuers(): Promise<readonly KubernetesObject[]>;
  /** A key of a Secret, decoded; `undefined` when there is none. */
  secretText(namespace: string, name: string, key: string): Promise<string | undefined>;
  /** All keys of a Secret or ConfigMap, decoded. */
  texts(kind: 'Secret' | 'ConfigMap', namespace: string, name: string): Promise<Readonly<Record<string, string>>>;
  get(reference: ObjectReference): Promise<KubernetesObject | undefined>;
  /** One line for each unreadable object or kind, with the reason. */
  readonly gaps: readonly string[];
}

export function openClusterReading(store: ObjectReader, signal?: AbortSignal): ClusterReading {
  const gaps: string[] = [];
  const objects = new Map<string, Promise<KubernetesObject | undefined>>();
  const get = (reference: ObjectReference): Promise<KubernetesObject | undefined> => {
    const key = `${reference.kind.kind} ${reference.namespace ?? ''}/${reference.name}`;
    const known = objects.get(key);
    if (known !== undefined) return known;
    const found = store.get(reference, { signal }).then((read) => read?.object);
    objects.set(key, found);
    return found;
  };
  const list = async (kind: ResourceKind, namespace?: string): Promise<readonly KubernetesObject[]> => {
    const found: KubernetesObject[] = [];
    const onUnreadable = (failure: Error): void => void gaps.push(describeError(failure));
    try {
      for await (const { object } of store.list(kind, { namespace, signal, onUnreadable })) found.push(object);
    } catch (error) {
      // The cluster has no CustomResourceDefinition for this kind.
      if (isRecoveryError(error, 'OBJECT_KIND_UNKNOWN')) return found;
      if (!isRecoveryError(error, 'OBJECT_FIELD_UNSUPPORTED', 'OBJECT_UNREADABLE', 'OBJECT_FORBIDDEN')) throw error;
      gaps.push(`${kind.resource}: ${describeError(error)}`);
    }
    return found;
  };
  const texts = async (kind: 'Secret' | 'ConfigMap', namespace: string, name: string) => {
    const object = await get({ kind: RESOURCE_KINDS[kind], namespace, name });
    const entries = Object.entries(fieldsAt(object, 'data')).flatMap(([key, value]) =>
      typeof value !== 'string' ? [] : [[key, kind === 'Secret' ? Buffer.from(value, 'base64').toString() : value]],
    );
    return Object.fromEntries(entries) as Readonly<Record<string, string>>;
  };
  return {
    gaps,
    get,
    list,
    texts,
    issuers: async () => (await Promise.all(ISSUERS.map((kind) => list(kind)))).flat(),
    secretText: async (namespace, name, key) => textAt(await texts('Secret', namespace, name), key),
  };
}
