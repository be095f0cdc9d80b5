import { WEB_IMAGE } from '../../kubernetes/images.ts';
import { MODULES_DIRECTORY, PROGRAMS_IMAGE, programCommand } from '../../programs/images.ts';
import { CLUSTER_DOMAIN, DNS_SERVICE_ADDRESS, OUTSIDE, SHOP_NAME, WORKER } from '../layout.ts';
import { modulesDirectory } from '../outside.ts';
import {
  clusterRole,
  deployment,
  hostVolume,
  type KubernetesDocument,
  ON_CONTROL_PLANE,
  serviceAccount,
} from './object.ts';

const DNS = 'kube-dns';
const INGRESS_NAMESPACE = 'kube-ingress';
const INGRESS_CONTROLLER = 'ingress-controller';
const RECORD_KEEPER = 'record-keeper';
const AWS_SECRET = 'aws-credentials';
const WEB = 'web';

/** Cluster DNS, a workload behind a Service, and the ingress with its DNS records. */
export function serviceObjects(): readonly KubernetesDocument[] {
  return [...dnsObjects(), ...ingressObjects(), ...recordObjects(), ...webObjects()];
}

function dnsObjects(): readonly KubernetesDocument[] {
  const labels = { 'k8s-app': DNS };
  return [
    clusterRole(DNS, [{ apiGroups: [''], resources: ['services', 'endpoints'], verbs: ['get', 'list', 'watch'] }]),
    ...serviceAccount(DNS, [DNS]),
    deployment({
      name: DNS,
      labels,
      spec: {
        ...ON_CONTROL_PLANE,
        serviceAccountName: DNS,
        priorityClassName: 'system-cluster-critical',
        dnsPolicy: 'Default',
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: DNS,
            image: PROGRAMS_IMAGE,
            imagePullPolicy: 'Never',
            command: programCommand('clusterDns', `--domain=${CLUSTER_DOMAIN}`),
            readinessProbe: { httpGet: { path: '/readiness', port: 8081 }, periodSeconds: 2 },
          },
        ],
      },
    }),
    service(DNS, 'kube-system', {
      clusterIP: DNS_SERVICE_ADDRESS,
      selector: labels,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      ],
    }),
  ];
}

function ingressObjects(): readonly KubernetesDocument[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: INGRESS_NAMESPACE } },
    clusterRole(INGRESS_CONTROLLER, [
      { apiGroups: [''], resources: ['services', 'endpoints'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['networking.k8s.io', 'extensions'], resources: ['ingresses'], verbs: ['get', 'list', 'watch'] },
    ]),
    ...serviceAccount(INGRESS_CONTROLLER, [INGRESS_CONTROLLER], INGRESS_NAMESPACE),
    deployment({
      name: INGRESS_CONTROLLER,
      namespace: INGRESS_NAMESPACE,
      labels: { 'k8s-app': INGRESS_CONTROLLER },
      spec: {
        nodeSelector: { 'node-role.kubernetes.io/node': '' },
        hostNetwork: true,
        dnsPolicy: 'ClusterFirstWithHostNet',
        serviceAccountName: INGRESS_CONTROLLER,
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: INGRESS_CONTROLLER,
            image: PROGRAMS_IMAGE,
            imagePullPolicy: 'Never',
            command: programCommand('ingressController'),
            readinessProbe: { httpGet: { path: '/healthz', port: 10_254 }, periodSeconds: 2 },
          },
        ],
      },
    }),
  ];
}

/** Access keys that AWS rejects. This went unnoticed because the records existed already. */
export const STALE_KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

function recordObjects(): readonly KubernetesDocument[] {
  const data = Object.entries(STALE_KEYS).map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const);
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: AWS_SECRET, namespace: INGRESS_NAMESPACE },
      type: 'Opaque',
      data: Object.fromEntries(data),
    },
    deployment({
      name: RECORD_KEEPER,
      namespace: INGRESS_NAMESPACE,
      labels: { 'k8s-app': RECORD_KEEPER },
      spec: {
        nodeSelector: { 'node-role.kubernetes.io/node': '' },
        // The outside network has no route to pod addresses.
        hostNetwork: true,
        dnsPolicy: 'ClusterFirstWithHostNet',
        serviceAccountName: INGRESS_CONTROLLER,
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: RECORD_KEEPER,
            image: PROGRAMS_IMAGE,
            imagePullPolicy: 'Never',
            command: programCommand('recordKeeper', `--target=${WORKER.address}`),
            env: [
              { name: 'AWS_REGION', value: 'us-east-1' },
              { name: 'AWS_ENDPOINT_URL', value: `http://${OUTSIDE.address}:${OUTSIDE.awsPort}` },
            ],
            envFrom: [{ secretRef: { name: AWS_SECRET } }],
            volumeMounts: [{ name: 'modules', mountPath: MODULES_DIRECTORY, readOnly: true }],
          },
        ],
        volumes: [hostVolume('modules', modulesDirectory())],
      },
    }),
  ];
}

function webObjects(): readonly KubernetesDocument[] {
  return [
    ...webDeployment(WEB),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name: WEB,
        namespace: 'default',
        annotations: { 'external-dns.alpha.kubernetes.io/target': WORKER.address },
      },
      spec: { rules: [ingressRule(SHOP_NAME, WEB)] },
    },
  ];
}

/** A Deployment of one small web server behind a Service of the same name, both in the default namespace. */
export function webDeployment(name: string): readonly KubernetesDocument[] {
  const labels = { app: name };
  return [
    deployment({
      name,
      namespace: 'default',
      labels,
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'web',
            image: WEB_IMAGE,
            imagePullPolicy: 'Never',
            readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    }),
    service(name, 'default', { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 8080 }] }),
  ];
}

/** The rule of an Ingress that routes a host name to a Service. */
export function ingressRule(host: string, name: string): object {
  const backend = { service: { name, port: { number: 80 } } };
  return { host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } };
}

function service(name: string, namespace: string, spec: object): KubernetesDocument {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
}
