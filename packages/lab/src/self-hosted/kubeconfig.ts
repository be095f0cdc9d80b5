import type { KeyPair } from '../cluster/certificate-signing.ts';
import { API_URL, CLUSTER_NAME } from './layout.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/**
 * A kubeconfig with embedded credentials, as Tectonic writes it to every node: its one context has no name and is not said to
 * be the current one, so that client-go takes the context named "" (coreos/tectonic-installer `modules/bootkube/resources/kubeconfig`).
 */
export function renderKubeconfig(ca: string, { certificate, key }: KeyPair, cluster: string = CLUSTER_NAME): string {
  return `apiVersion: v1
kind: Config
clusters:
- name: ${cluster}
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
    cluster: ${cluster}
    user: kubelet
`;
}

/** The kubeconfig of pods that use their service account, as bootkube keeps it in ConfigMap `kubeconfig-in-cluster`: an unnamed context as well. */
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
`;
}
