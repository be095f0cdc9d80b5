import { KUBELET_MASTER_LABEL, MASTER_LABEL } from '../layout.ts';

/** A Kubernetes object as kubectl takes it. */
export interface KubernetesDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** The namespace of the control plane. */
const SYSTEM_NAMESPACE = 'kube-system';

/** Restricts a pod to the control-plane node. */
export const ON_CONTROL_PLANE = {
  nodeSelector: { [MASTER_LABEL]: '' },
  tolerations: [{ key: MASTER_LABEL, operator: 'Exists', effect: 'NoSchedule' }],
} as const;

/** The same for a pod that is checkpointed. */
export const CHECKPOINTED = {
  nodeSelector: { [KUBELET_MASTER_LABEL]: '' },
  tolerations: ON_CONTROL_PLANE.tolerations,
} as const;

/** Tolerates every taint. */
export const ON_EVERY_NODE = {
  tolerations: [
    { operator: 'Exists', effect: 'NoSchedule' },
    { operator: 'Exists', effect: 'NoExecute' },
  ],
} as const;

/** An environment variable with the name of the pod's node or another field of the pod. */
export function fieldVariable(name: string, fieldPath: string): object {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

export function hostVolume(name: string, path: string): object {
  return { name, hostPath: { path } };
}

export function secret(name: string, files: Readonly<Record<string, string>>): KubernetesDocument {
  const data = Object.entries(files).map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: SYSTEM_NAMESPACE },
    type: 'Opaque',
    data: Object.fromEntries(data),
  };
}

export function configMap(name: string, data: Readonly<Record<string, string>>): KubernetesDocument {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: SYSTEM_NAMESPACE }, data };
}

export interface WorkloadInput {
  readonly name: string;
  /** Default: kube-system. */
  readonly namespace?: string;
  /** Selects the pods. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: object;
}

export function daemonSet(input: WorkloadInput): KubernetesDocument {
  return workload('DaemonSet', input, {
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
  });
}

export function deployment(input: WorkloadInput, replicas = 1): KubernetesDocument {
  return workload('Deployment', input, { replicas });
}

function workload(kind: string, input: WorkloadInput, rest: object): KubernetesDocument {
  const { name, namespace = SYSTEM_NAMESPACE, labels, annotations = {}, spec } = input;
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, labels },
    spec: { ...rest, selector: { matchLabels: labels }, template: { metadata: { labels, annotations }, spec } },
  };
}

/** A service account with ClusterRoles. */
export function serviceAccount(
  name: string,
  roles: readonly string[],
  namespace = SYSTEM_NAMESPACE,
): readonly KubernetesDocument[] {
  const bindings = roles.map((role) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: `${namespace}:${name}:${role}` },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  }));
  return [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } }, ...bindings];
}

interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export function clusterRole(name: string, rules: readonly PolicyRule[]): KubernetesDocument {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
}
