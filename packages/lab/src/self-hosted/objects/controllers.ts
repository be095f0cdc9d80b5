import { SELF_HOSTED_RELEASE } from '../../kubernetes/kubernetes-release.ts';
import { POD_NETWORK, SECRETS_DIRECTORY, SERVICE_NETWORK } from '../layout.ts';
import type { Pki } from '../pki.ts';
import { deployment, type KubernetesDocument, ON_CONTROL_PLANE, secret, serviceAccount } from './object.ts';

export const CONTROLLER_MANAGER = 'kube-controller-manager';
export const SCHEDULER = 'kube-scheduler';

/** The flags of kube-controller-manager; @param secrets the directory with the files of its Secret */
export function controllerManagerFlags(secrets: string): readonly string[] {
  return [
    '--allocate-node-cidrs=true',
    `--cluster-cidr=${POD_NETWORK}`,
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    `--root-ca-file=${secrets}/ca.crt`,
    `--service-account-private-key-file=${secrets}/service-account.key`,
    '--configure-cloud-routes=false',
    // As in Tectonic: no controller signs certificates.
    '--controllers=*,-csrsigning',
    '--node-monitor-grace-period=20s',
  ];
}

/** The content of kube-controller-manager's Secret, by key. */
export function controllerManagerFiles(pki: Pki): Readonly<Record<string, string>> {
  return { 'ca.crt': pki['kube-ca'].certificate, 'service-account.key': pki.serviceAccount.key };
}

/** kube-controller-manager and kube-scheduler run as ordinary Deployments, on the pod network. */
export function controllerObjects(pki: Pki): readonly KubernetesDocument[] {
  return [
    ...serviceAccount(CONTROLLER_MANAGER, ['cluster-admin']),
    ...serviceAccount(SCHEDULER, ['system:kube-scheduler', 'system:volume-scheduler']),
    secret(CONTROLLER_MANAGER, controllerManagerFiles(pki)),
    component(CONTROLLER_MANAGER, {
      flags: controllerManagerFlags(SECRETS_DIRECTORY),
      port: 10_252,
      volumeMounts: [{ name: 'secrets', mountPath: SECRETS_DIRECTORY, readOnly: true }],
      volumes: [{ name: 'secrets', secret: { secretName: CONTROLLER_MANAGER } }],
    }),
    component(SCHEDULER, { flags: [], port: 10_251, volumeMounts: [], volumes: [] }),
  ];
}

function component(
  name: string,
  {
    flags,
    port,
    volumeMounts,
    volumes,
  }: {
    flags: readonly string[];
    port: number;
    volumeMounts: readonly object[];
    volumes: readonly object[];
  },
): KubernetesDocument {
  return deployment({
    name,
    labels: { tier: 'control-plane', 'k8s-app': name },
    spec: {
      ...ON_CONTROL_PLANE,
      serviceAccountName: name,
      priorityClassName: 'system-cluster-critical',
      securityContext: { runAsNonRoot: true, runAsUser: 65_534 },
      containers: [
        {
          name,
          image: `k8s.gcr.io/${name}:${SELF_HOSTED_RELEASE.version}`,
          imagePullPolicy: 'Never',
          command: [`/usr/local/bin/${name}`, '--leader-elect=true', ...flags],
          livenessProbe: { httpGet: { path: '/healthz', port }, initialDelaySeconds: 15, timeoutSeconds: 15 },
          volumeMounts,
        },
      ],
      volumes,
      dnsPolicy: 'Default',
    },
  });
}
