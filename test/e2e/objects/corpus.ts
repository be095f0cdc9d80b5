import { customKind, type KubernetesObject, RESOURCE_KINDS, type ResourceKind } from '@kube-rescue/cluster-objects';
import { podSpec } from './pod-spec.ts';

/** An object to create through the API, and an edit that a recovery might make. */
export interface Specimen {
  readonly kind: ResourceKind;
  readonly object: KubernetesObject;
  readonly edit: (object: KubernetesObject) => KubernetesObject;
  /** The fields that an API server increments because of the edit. */
  readonly counted?: (object: KubernetesObject) => KubernetesObject;
}

/** The certificates in the corpus. */
export interface CorpusInput {
  /** PEM. */
  readonly ca: string;
  /** PEM certificate signing request. */
  readonly csr: string;
}

type Fields = Readonly<Record<string, unknown>>;

export const FOO = customKind({
  kind: 'Foo',
  group: 'x.example.com',
  version: 'v1',
  resource: 'foos',
  namespaced: true,
});
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';

/** At least one object of every kind that the etcd adapter supports, with many kinds of fields. */
export function corpus({ ca, csr }: CorpusInput): readonly Specimen[] {
  const caBundle = base64(ca);
  const selector = { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'z', operator: 'DoesNotExist' }] };
  const template = { metadata: { labels: { a: 'b' }, annotations: { x: '' } }, spec: podSpec };
  const webhook = { name: 'a.b.c', sideEffects: 'None', admissionReviewVersions: ['v1'] };
  const rules = [
    { operations: ['CREATE'], apiGroups: ['none.example.com'], apiVersions: ['v1'], resources: ['none'], scope: '*' },
  ];
  const newBundle = base64(`${ca}${ca}`);
  const withCaBundle = (object: KubernetesObject): KubernetesObject => ({
    ...object,
    webhooks: (object.webhooks as readonly { clientConfig: object }[]).map((each) => ({
      ...each,
      clientConfig: { ...each.clientConfig, caBundle: newBundle },
    })),
  });
  const restarted = (object: KubernetesObject): KubernetesObject => {
    const copy = structuredClone(object) as unknown as { spec: { template: { metadata: { annotations: Fields } } } };
    const { metadata } = copy.spec.template;
    metadata.annotations = { ...metadata.annotations, [RESTARTED]: '2026-01-01T00:00:00Z' };
    return copy as unknown as KubernetesObject;
  };
  const { Secret, ConfigMap, ServiceAccount, Node, Pod, Namespace, Service, Endpoints } = RESOURCE_KINDS;
  return [
    {
      kind: Secret,
      object: v1('Secret', named('token'), {
        data: { 'ca.crt': caBundle, empty: '', bytes: 'AAEC' },
        type: 'x.example.com/y',
      }),
      edit: withFields('data', { 'ca.crt': newBundle, added: '' }),
    },
    {
      kind: Secret,
      object: v1('Secret', named('mutable'), { immutable: false }),
      edit: (object) => ({ ...object, data: { a: 'AAEC' } }),
    },
    {
      kind: ConfigMap,
      object: v1('ConfigMap', named('config'), { data: { a: 'b', e: '' }, binaryData: { x: 'AAEC' } }),
      edit: withFields('data', { a: 'ä\n', 'ca.crt': ca }),
    },
    {
      kind: ServiceAccount,
      object: v1('ServiceAccount', named('robot'), {
        secrets: [{ name: 'token' }],
        imagePullSecrets: [{ name: 'p' }],
        automountServiceAccountToken: false,
      }),
      edit: (object) => ({ ...object, secrets: [...(object.secrets as readonly unknown[]), { name: 'second' }] }),
    },
    {
      kind: Node,
      object: v1('Node', { name: 'node01', labels: { a: 'b' } }, { spec: nodeSpec, status: nodeStatus }),
      edit: withFields('spec', {
        taints: [
          { key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' },
          { key: 'k2', value: 'v', effect: 'NoExecute', timeAdded: '2020-01-01T00:00:00Z' },
        ],
      }),
    },
    { kind: Pod, object: v1('Pod', named('pod'), { spec: podSpec }), edit: withLabel },
    {
      kind: RESOURCE_KINDS.Deployment,
      object: {
        ...v1('Deployment', named('deployment'), {
          spec: {
            replicas: 0,
            selector,
            template,
            strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
          },
        }),
        apiVersion: 'apps/v1',
      },
      edit: restarted,
      counted: nextGeneration,
    },
    {
      kind: RESOURCE_KINDS.DaemonSet,
      object: { ...v1('DaemonSet', named('daemonset'), { spec: { selector, template } }), apiVersion: 'apps/v1' },
      edit: restarted,
      counted: (object) => {
        const { metadata } = nextGeneration(object);
        const count = Number(metadata.annotations?.[TEMPLATE_GENERATION]) + 1;
        const annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(count) };
        return { ...object, metadata: { ...metadata, annotations } };
      },
    },
    {
      kind: RESOURCE_KINDS.ReplicaSet,
      object: { ...v1('ReplicaSet', named('replicaset'), { spec: { selector, template } }), apiVersion: 'apps/v1' },
      edit: withFields('spec', { replicas: 3 }),
      counted: nextGeneration,
    },
    { kind: Namespace, object: v1('Namespace', { name: 'space' }), edit: withLabel },
    {
      kind: Service,
      object: v1('Service', named('service'), {
        spec: {
          selector: { a: 'b' },
          ports: [
            { port: 80, targetPort: 'web', name: 'w' },
            { port: 81, name: 'w2', protocol: 'UDP' },
          ],
          type: 'NodePort',
          sessionAffinity: 'ClientIP',
        },
      }),
      edit: withFields('spec', { selector: { a: 'c' } }),
    },
    {
      kind: Endpoints,
      object: v1('Endpoints', named('endpoints'), {
        subsets: [{ addresses: [{ ip: '10.9.0.11' }], ports: [{ port: 80 }] }],
      }),
      edit: (object) => ({
        ...object,
        subsets: [{ addresses: [{ ip: '10.9.0.12' }], ports: [{ port: 80, protocol: 'TCP' }] }],
      }),
    },
    {
      kind: RESOURCE_KINDS.Lease,
      object: {
        ...v1('Lease', named('lease'), {
          spec: { holderIdentity: 'h', leaseDurationSeconds: 15, renewTime: '2020-01-01T00:00:00.123456Z' },
        }),
        apiVersion: 'coordination.k8s.io/v1',
      },
      edit: withFields('spec', { holderIdentity: '', renewTime: '2021-01-01T00:00:00.000001Z' }),
    },
    {
      kind: RESOURCE_KINDS.CertificateSigningRequest,
      object: {
        ...v1(
          'CertificateSigningRequest',
          { name: 'request' },
          {
            spec: { request: base64(csr), signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
          },
        ),
        apiVersion: 'certificates.k8s.io/v1',
      },
      edit: (object) => ({
        ...object,
        status: {
          certificate: caBundle,
          conditions: [
            {
              type: 'Approved',
              status: 'True',
              reason: 'Test',
              message: 'yes',
              lastUpdateTime: '2026-01-01T00:00:00Z',
              lastTransitionTime: '2026-01-01T00:00:00Z',
            },
          ],
        },
      }),
    },
    {
      kind: RESOURCE_KINDS.MutatingWebhookConfiguration,
      object: {
        ...v1('MutatingWebhookConfiguration', { name: 'mutating' }),
        apiVersion: 'admissionregistration.k8s.io/v1',
        webhooks: [
          {
            ...webhook,
            rules,
            clientConfig: { service: { namespace: 'default', name: 's', path: '/x' }, caBundle },
            failurePolicy: 'Ignore',
            namespaceSelector: {},
            timeoutSeconds: 5,
          },
        ],
      },
      edit: withCaBundle,
      counted: nextGeneration,
    },
    {
      kind: RESOURCE_KINDS.ValidatingWebhookConfiguration,
      object: {
        ...v1('ValidatingWebhookConfiguration', { name: 'validating' }),
        apiVersion: 'admissionregistration.k8s.io/v1',
        webhooks: [{ ...webhook, rules, clientConfig: { url: 'https://x.example.com/y' } }],
      },
      edit: withCaBundle,
      counted: nextGeneration,
    },
    {
      kind: RESOURCE_KINDS.APIService,
      object: {
        ...v1('APIService', { name: 'v1.y.example.com' }),
        apiVersion: 'apiregistration.k8s.io/v1',
        spec: {
          group: 'y.example.com',
          version: 'v1',
          groupPriorityMinimum: 100,
          versionPriority: 10,
          insecureSkipTLSVerify: true,
          service: { namespace: 'default', name: 's' },
        },
      },
      edit: withLabel,
    },
    {
      kind: FOO,
      object: {
        ...v1('Foo', named('foo')),
        apiVersion: 'x.example.com/v1',
        spec: { a: [1, 2.5, null, { b: true }], c: 'ä' },
      },
      edit: withFields('spec', { c: 'changed', caBundle }),
      counted: nextGeneration,
    },
  ];
}

/** The definition of {@link FOO}. */
export const FOO_DEFINITION: KubernetesObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'foos.x.example.com' },
  spec: {
    group: 'x.example.com',
    scope: 'Namespaced',
    names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

const nodeSpec = {
  podCIDR: '10.1.0.0/24',
  podCIDRs: ['10.1.0.0/24'],
  taints: [
    { key: 'k', effect: 'NoSchedule' },
    { key: 'k2', value: 'v', effect: 'NoExecute', timeAdded: '2020-01-01T00:00:00Z' },
  ],
  unschedulable: true,
  providerID: 'x://y',
};

const nodeStatus = {
  capacity: { cpu: '4', memory: '8Gi' },
  conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2020-01-01T00:00:00Z', reason: 'r' }],
  addresses: [{ type: 'InternalIP', address: '10.9.0.11' }],
  nodeInfo: { kubeletVersion: 'v1.20.2' },
  images: [{ names: ['a'], sizeBytes: 5_000_000_000 }],
  daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
};

function named(name: string): KubernetesObject['metadata'] {
  return {
    name,
    namespace: 'default',
    labels: { l: '', m: 'v' },
    annotations: { a: 'ä\n' },
    finalizers: ['x.example.com/z'],
    ownerReferences: [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'cm', uid: 'u', controller: true, blockOwnerDeletion: false },
    ],
  };
}

function v1(kind: string, metadata: KubernetesObject['metadata'], fields: Fields = {}): KubernetesObject {
  return { apiVersion: 'v1', kind, metadata, ...fields };
}

function withFields(name: string, fields: Fields): Specimen['edit'] {
  return (object) => ({ ...object, [name]: { ...(object[name] as Fields), ...fields } });
}

function withLabel(object: KubernetesObject): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, changed: 'yes' } } };
}

function nextGeneration(object: KubernetesObject): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, generation: (object.metadata.generation ?? 0) + 1 } };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
