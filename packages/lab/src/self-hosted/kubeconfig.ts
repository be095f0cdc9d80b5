import type { KeyPair } from '../cluster/certificate-signing.ts';
import { API_URL, CLUSTER_NAME } from './layout.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig with embedded credentials, as Tectonic writes it to every node. */
export function renderKubeconfig(ca: string, { certificate, key }: KeyPair): string {
  return `apiVersion: v1
kind: Config
clusters:
- name: ${CLUSTER_NAME}
  cluster:
    server: ${API_URL}
    certificate-authority-data: ${base64(ca)}
users:
- name: kubelet
  user:
    client-certificate-data: ${base64(certificate)}
    client-key-data: ${base64(key)}
contexts:
- context:
    cluster: ${CLUSTER_NAME}
    user: kubelet
  name: kubelet
current-context: kubelet
`;
}

/** The kubeconfig of pods that use their service account, as bootkube keeps it in ConfigMap `kubeconfig-in-cluster`. */
export function renderServiceAccountKubeconfig(): string {
  const account = '/var/run/secrets/kubernetes.io/serviceaccount';
  return `apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: ${API_URL}
    certificate-authority: ${account}/ca.crt
users:
- name: service-account
  user:
    tokenFile: ${account}/token
contexts:
- context:
    cluster: local
    user: service-account
  name: service-account
current-context: service-account
`;
}
