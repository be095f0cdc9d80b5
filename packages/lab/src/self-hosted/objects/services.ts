import { WEB_IMAGE } from '../../images.ts';
import { PROGRAMS_IMAGE, programCommand } from '../../programs/images.ts';
import { CLUSTER_DOMAIN, DNS_SERVICE_ADDRESS, SHOP_NAME } from '../layout.ts';
import { clusterRole, deployment, type KubernetesDocument, ON_CONTROL_PLANE, serviceAccount } from './object.ts';

export const DNS = 'kube-dns';
export const INGRESS_NAMESPACE = 'kube-ingress';
export const INGRESS_CONTROLLER = 'ingress-controller';
export const WEB = 'web';

/** Names inside the cluster, a workload behind a Service, and the way in by name. */
export function serviceObjects(): readonly KubernetesDocument[] {
  return [...dnsObjects(), ...ingressObjects(), ...webObjects()];
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

function webObjects(): readonly KubernetesDocument[] {
  return [
    ...webDeployment(WEB),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: WEB, namespace: 'default' },
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

/** The rule of an Ingress that leads a host name to a Service. */
export function ingressRule(host: string, name: string): object {
  const backend = { service: { name, port: { number: 80 } } };
  return { host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } };
}

function service(name: string, namespace: string, spec: object): KubernetesDocument {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
}
