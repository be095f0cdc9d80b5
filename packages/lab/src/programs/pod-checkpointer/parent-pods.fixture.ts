import type { Pod } from './pod.ts';

const CHECKPOINT = { 'checkpointer.alpha.coreos.com/checkpoint': 'true' };

/**
 * The parent pod of the API server as Kubernetes 1.20 returns it, with every field that a checkpoint must keep, change or
 * drop.
 */
export function apiServerPod(): Pod & Record<string, unknown> {
  return {
    metadata: {
      name: 'kube-apiserver-2rdtv',
      generateName: 'kube-apiserver-',
      namespace: 'kube-system',
      uid: '325805ad-0000-4000-8000-000000000000',
      resourceVersion: '417',
      creationTimestamp: '2026-01-02T03:04:05Z',
      labels: { 'controller-revision-hash': '7b46b6449c', 'k8s-app': 'kube-apiserver', 'pod-template-generation': '1' },
      annotations: { ...CHECKPOINT, 'kubernetes.io/config.source': 'api' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'kube-apiserver', uid: 'f0', controller: true },
      ],
      managedFields: [{ manager: 'kube-controller-manager' }],
    },
    spec: {
      volumes: [
        { name: 'ssl-certs-host', hostPath: { path: '/usr/share/ca-certificates', type: '' } },
        { name: 'secrets', secret: { secretName: 'kube-apiserver', defaultMode: 420 } },
        { name: 'default-token-bzn5p', secret: { secretName: 'default-token-bzn5p', defaultMode: 420 } },
      ],
      containers: [
        {
          name: 'kube-apiserver',
          image: 'k8s.gcr.io/kube-apiserver:v1.20.2',
          command: ['/usr/local/bin/kube-apiserver', '--authorization-mode=RBAC', '--feature=<a&b>'],
          env: [{ name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } }],
          resources: {},
          volumeMounts: [{ name: 'secrets', readOnly: true, mountPath: '/etc/kubernetes/secrets' }],
          startupProbe: { httpGet: { path: '/livez', port: 6443 } },
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      nodeSelector: { 'node-role.kubernetes.io/master': '' },
      serviceAccountName: 'default',
      serviceAccount: 'default',
      nodeName: 'cp1',
      hostNetwork: true,
      securityContext: { runAsUser: 65_534, runAsNonRoot: true },
      affinity: { nodeAffinity: {} },
      schedulerName: 'default-scheduler',
      tolerations: [{ key: 'node-role.kubernetes.io/master', operator: 'Exists', effect: 'NoSchedule' }],
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: { phase: 'Running' },
  } as Pod & Record<string, unknown>;
}

/** The checkpointer's own parent pod. */
export function checkpointerPod(): Pod & Record<string, unknown> {
  return {
    metadata: {
      name: 'pod-checkpointer-8jms9',
      namespace: 'kube-system',
      uid: 'c0',
      labels: { 'k8s-app': 'pod-checkpointer' },
      annotations: CHECKPOINT,
    },
    spec: {
      volumes: [
        { name: 'kubeconfig', configMap: { name: 'kubeconfig-in-cluster', defaultMode: 420 } },
        { name: 'etc-kubernetes', hostPath: { path: '/etc/kubernetes', type: '' } },
        { name: 'pod-checkpointer-token-nfgg5', secret: { secretName: 'pod-checkpointer-token-nfgg5' } },
      ],
      containers: [{ name: 'pod-checkpointer' }],
      nodeName: 'cp1',
    },
    status: {},
  } as Pod & Record<string, unknown>;
}
