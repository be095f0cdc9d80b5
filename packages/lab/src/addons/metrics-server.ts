import type { KeyPair } from '../cluster/certificate-signing.ts';
import { clusterRole, deployment, type KubernetesDocument, serviceAccount } from '../self-hosted/objects/object.ts';
import { METRICS_SERVER_IMAGE } from './images.ts';

const NAME = 'metrics-server';
const NAMESPACE = 'kube-system';
const LABELS = { 'k8s-app': NAME };
const CERTIFICATE_DIRECTORY = '/certificate';
const PORT = 10_250;
const RBAC = 'rbac.authorization.k8s.io';

/** The name that the API server verifies in the certificate of an extension API server. */
export const METRICS_SERVER_NAME = `${NAME}.${NAMESPACE}.svc`;
/** The shortest that metrics-server takes, and a timeout that is shorter. */
const RESOLUTION = ['--metric-resolution=10s', '--kubelet-request-timeout=5s'];

/**
 * The objects of metrics-server, an extension API server. It verifies the kubelets by the cluster CA, and the API server verifies it
 * by a CA of its own.
 *
 * @param caCertificate the CA that has signed `served`
 */
export function metricsServerObjects(caCertificate: string, served: KeyPair): readonly KubernetesDocument[] {
  return [
    clusterRole(NAME, [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
    ]),
    ...serviceAccount(NAME, [NAME, 'system:auth-delegator']),
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata: { name: `${NAME}-auth-reader`, namespace: NAMESPACE },
      subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: NAMESPACE }],
      roleRef: { apiGroup: RBAC, kind: 'Role', name: 'extension-apiserver-authentication-reader' },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: NAME, namespace: NAMESPACE },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': base64(served.certificate), 'tls.key': base64(served.key) },
    },
    deployment({ name: NAME, labels: LABELS, spec: pod() }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: NAME, namespace: NAMESPACE, labels: LABELS },
      spec: { selector: LABELS, ports: [{ name: 'https', port: 443, targetPort: 'https' }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta1.metrics.k8s.io' },
      spec: {
        ...{ group: 'metrics.k8s.io', version: 'v1beta1', groupPriorityMinimum: 100, versionPriority: 100 },
        service: { name: NAME, namespace: NAMESPACE },
        caBundle: base64(caCertificate),
      },
    },
  ];
}

function pod(): object {
  const file = (name: string): string => `${CERTIFICATE_DIRECTORY}/${name}`;
  return {
    serviceAccountName: NAME,
    priorityClassName: 'system-cluster-critical',
    containers: [
      {
        name: NAME,
        image: METRICS_SERVER_IMAGE,
        imagePullPolicy: 'Never',
        args: [
          ...[
            `--secure-port=${PORT}`,
            `--tls-cert-file=${file('tls.crt')}`,
            `--tls-private-key-file=${file('tls.key')}`,
          ],
          ...['--kubelet-preferred-address-types=InternalIP', '--kubelet-use-node-status-port'],
          '--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
          ...RESOLUTION,
        ],
        ports: [{ name: 'https', containerPort: PORT }],
        readinessProbe: { httpGet: { path: '/readyz', port: 'https', scheme: 'HTTPS' }, periodSeconds: 2 },
        volumeMounts: [{ name: 'certificate', mountPath: CERTIFICATE_DIRECTORY, readOnly: true }],
      },
    ],
    volumes: [{ name: 'certificate', secret: { secretName: NAME } }],
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
