import { ObjectError } from '../errors.ts';

/** Encoding of a kind in etcd. */
export type StorageFormat = 'protobuf' | 'json';

/** A kind of object, with its API path and etcd prefix. */
export interface ResourceKind {
  /** The name in `kind:`, for example `DaemonSet`. */
  readonly kind: string;
  /** Empty for the core group. */
  readonly group: string;
  /** The API version used in requests. */
  readonly version: string;
  /** The plural in lower case, as in URLs. */
  readonly resource: string;
  readonly namespaced: boolean;
  /** Key segment between etcd's prefix and the namespace, for example `minions` for nodes. */
  readonly etcdSegment: string;
  readonly storage: StorageFormat;
  /** Whether the API server counts changes of the specification in `metadata.generation`. */
  readonly hasGeneration: boolean;
}

type Traits = Partial<Pick<ResourceKind, 'namespaced' | 'etcdSegment' | 'storage' | 'hasGeneration'>>;

/**
 * The built-in kinds that a recovery reads and changes.
 *
 * Source for special prefixes and encodings: `SpecialDefaultResourcePrefixes` and the storage codecs of kube-apiserver v1.20,
 * which stores `APIService` and `CustomResourceDefinition` in JSON of version v1beta1.
 */
export const RESOURCE_KINDS = {
  Secret: builtIn('Secret', '', 'v1', 'secrets'),
  ConfigMap: builtIn('ConfigMap', '', 'v1', 'configmaps'),
  ServiceAccount: builtIn('ServiceAccount', '', 'v1', 'serviceaccounts'),
  Node: builtIn('Node', '', 'v1', 'nodes', { namespaced: false, etcdSegment: 'minions' }),
  Pod: builtIn('Pod', '', 'v1', 'pods'),
  Namespace: builtIn('Namespace', '', 'v1', 'namespaces', { namespaced: false }),
  Service: builtIn('Service', '', 'v1', 'services', { etcdSegment: 'services/specs' }),
  Endpoints: builtIn('Endpoints', '', 'v1', 'endpoints', { etcdSegment: 'services/endpoints' }),
  Deployment: builtIn('Deployment', 'apps', 'v1', 'deployments', { hasGeneration: true }),
  DaemonSet: builtIn('DaemonSet', 'apps', 'v1', 'daemonsets', { hasGeneration: true }),
  ReplicaSet: builtIn('ReplicaSet', 'apps', 'v1', 'replicasets', { hasGeneration: true }),
  Ingress: builtIn('Ingress', 'networking.k8s.io', 'v1', 'ingresses', { etcdSegment: 'ingress', hasGeneration: true }),
  Lease: builtIn('Lease', 'coordination.k8s.io', 'v1', 'leases'),
  CertificateSigningRequest: builtIn(
    'CertificateSigningRequest',
    'certificates.k8s.io',
    'v1',
    'certificatesigningrequests',
    { namespaced: false },
  ),
  MutatingWebhookConfiguration: builtIn(
    'MutatingWebhookConfiguration',
    'admissionregistration.k8s.io',
    'v1',
    'mutatingwebhookconfigurations',
    { namespaced: false, hasGeneration: true },
  ),
  ValidatingWebhookConfiguration: builtIn(
    'ValidatingWebhookConfiguration',
    'admissionregistration.k8s.io',
    'v1',
    'validatingwebhookconfigurations',
    { namespaced: false, hasGeneration: true },
  ),
  APIService: builtIn('APIService', 'apiregistration.k8s.io', 'v1', 'apiservices', {
    namespaced: false,
    etcdSegment: 'apiregistration.k8s.io/apiservices',
    storage: 'json',
  }),
  CustomResourceDefinition: builtIn(
    'CustomResourceDefinition',
    'apiextensions.k8s.io',
    'v1',
    'customresourcedefinitions',
    {
      namespaced: false,
      etcdSegment: 'apiextensions.k8s.io/customresourcedefinitions',
      storage: 'json',
      hasGeneration: true,
    },
  ),
} as const satisfies Readonly<Record<string, ResourceKind>>;

/** The kind names of {@link RESOURCE_KINDS}. */
export type KindName = keyof typeof RESOURCE_KINDS;

const SHORT_NAMES: Readonly<Record<string, KindName>> = {
  cm: 'ConfigMap',
  sa: 'ServiceAccount',
  no: 'Node',
  po: 'Pod',
  ns: 'Namespace',
  svc: 'Service',
  ep: 'Endpoints',
  deploy: 'Deployment',
  ds: 'DaemonSet',
  rs: 'ReplicaSet',
  ing: 'Ingress',
  csr: 'CertificateSigningRequest',
  crd: 'CustomResourceDefinition',
};

/** A kind of a CustomResourceDefinition; stored in JSON. */
export function customKind(
  definition: Pick<ResourceKind, 'kind' | 'group' | 'version' | 'resource' | 'namespaced'>,
): ResourceKind {
  const etcdSegment = `${definition.group}/${definition.resource}`;
  return { ...definition, etcdSegment, storage: 'json', hasGeneration: true };
}

/**
 * The kind for `secret`, `Secrets`, `deploy` or `deployments.apps`, in any case.
 * @throws ObjectError `OBJECT_KIND_UNKNOWN`
 */
export function findKind(name: string): ResourceKind {
  const wanted = name.toLowerCase();
  const short = Object.hasOwn(SHORT_NAMES, wanted) ? SHORT_NAMES[wanted] : undefined;
  if (short !== undefined) return RESOURCE_KINDS[short];
  const found = Object.values<ResourceKind>(RESOURCE_KINDS).find(({ kind, resource, group }) =>
    [kind.toLowerCase(), resource, `${resource}.${group}`].includes(wanted),
  );
  if (found !== undefined) return found;
  throw new ObjectError({
    code: 'OBJECT_KIND_UNKNOWN',
    message: 'unknown kind',
    subject: name,
    hint: `name one of ${Object.keys(RESOURCE_KINDS).join(', ')}`,
  });
}

/** `apiVersion` of objects of this kind: `v1`, `apps/v1`. */
export function apiVersionOf({ group, version }: Pick<ResourceKind, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

function builtIn(kind: string, group: string, version: string, resource: string, traits: Traits = {}): ResourceKind {
  return {
    kind,
    group,
    version,
    resource,
    namespaced: true,
    etcdSegment: resource,
    storage: 'protobuf',
    hasGeneration: false,
    ...traits,
  };
}
