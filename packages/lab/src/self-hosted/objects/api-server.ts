import { SELF_HOSTED_RELEASE } from '../../kubernetes/kubernetes-release.ts';
import {
  CLUSTER_DOMAIN,
  ENCRYPTION_CONFIG,
  ETCD_URL,
  API_SERVER_UID,
  SECRETS_DIRECTORY,
  SERVICE_NETWORK,
} from '../layout.ts';
import type { Pki } from '../pki.ts';
import { CHECKPOINTED, daemonSet, fieldVariable, hostVolume, type KubernetesDocument, secret } from './object.ts';

const API_SERVER = 'kube-apiserver';

/** The encryption of Secrets in etcd. */
export type Encryption = 'identity' | 'aescbc';

/**
 * The flags of the API server.
 *
 * @param secrets the directory with the files of its Secret
 */
export function apiServerFlags(secrets: string, encryption: Encryption): readonly string[] {
  return [
    '--allow-privileged=true',
    '--authorization-mode=RBAC',
    `--client-ca-file=${secrets}/ca.crt`,
    ...(encryption === 'aescbc' ? [`--encryption-provider-config=${ENCRYPTION_CONFIG}`] : []),
    `--etcd-cafile=${secrets}/etcd-client-ca.crt`,
    `--etcd-certfile=${secrets}/etcd-client.crt`,
    `--etcd-keyfile=${secrets}/etcd-client.key`,
    `--etcd-servers=${ETCD_URL}`,
    `--kubelet-client-certificate=${secrets}/apiserver.crt`,
    `--kubelet-client-key=${secrets}/apiserver.key`,
    `--service-account-issuer=https://kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    `--service-account-key-file=${secrets}/service-account.pub`,
    `--service-account-signing-key-file=${secrets}/service-account.key`,
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    `--tls-cert-file=${secrets}/apiserver.crt`,
    `--tls-private-key-file=${secrets}/apiserver.key`,
  ];
}

/** The content of the API server's Secret, by key. */
export function apiServerFiles(pki: Pki): Readonly<Record<string, string>> {
  const { certificate: ca } = pki['kube-ca'];
  return {
    'ca.crt': ca,
    'oidc-ca.crt': ca,
    'apiserver.crt': pki.apiserver.certificate,
    'apiserver.key': pki.apiserver.key,
    'etcd-client-ca.crt': pki['etcd-ca'].certificate,
    'etcd-client.crt': pki.client.certificate,
    'etcd-client.key': pki.client.key,
    'service-account.pub': pki.serviceAccount.certificate,
    'service-account.key': pki.serviceAccount.key,
  };
}

/** The self-hosted API server: a DaemonSet with the checkpointer's annotation, and its Secret. */
export function apiServerObjects(pki: Pki, encryption: Encryption): readonly KubernetesDocument[] {
  const encryptionDirectory = ENCRYPTION_CONFIG.slice(0, ENCRYPTION_CONFIG.lastIndexOf('/'));
  const encrypted = encryption === 'aescbc';
  const pod = {
    ...CHECKPOINTED,
    hostNetwork: true,
    securityContext: { runAsNonRoot: true, runAsUser: API_SERVER_UID },
    containers: [
      {
        name: API_SERVER,
        image: `k8s.gcr.io/kube-apiserver:${SELF_HOSTED_RELEASE.version}`,
        imagePullPolicy: 'Never',
        command: [
          '/usr/local/bin/kube-apiserver',
          '--advertise-address=$(POD_IP)',
          '--bind-address=0.0.0.0',
          '--secure-port=6443',
          ...apiServerFlags(SECRETS_DIRECTORY, encryption),
        ],
        env: [fieldVariable('POD_IP', 'status.podIP')],
        volumeMounts: [
          { name: 'ssl-certs-host', mountPath: '/etc/ssl/certs', readOnly: true },
          { name: 'secrets', mountPath: SECRETS_DIRECTORY, readOnly: true },
          ...(encrypted ? [{ name: 'encryption', mountPath: encryptionDirectory, readOnly: true }] : []),
        ],
      },
    ],
    volumes: [
      hostVolume('ssl-certs-host', '/usr/share/ca-certificates'),
      { name: 'secrets', secret: { secretName: API_SERVER } },
      ...(encrypted ? [hostVolume('encryption', encryptionDirectory)] : []),
    ],
  };
  return [
    secret(API_SERVER, apiServerFiles(pki)),
    daemonSet({
      name: API_SERVER,
      labels: { tier: 'control-plane', 'k8s-app': API_SERVER },
      annotations: { 'checkpointer.alpha.coreos.com/checkpoint': 'true' },
      spec: pod,
    }),
  ];
}
