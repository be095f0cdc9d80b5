import type { HostPath } from '@kube-rescue/host';

/** The content of a kubeconfig that is written as a whole. */
export interface NewKubeconfig {
  readonly server: string;
  readonly clusterName: string;
  /** PEM of the CAs that verify the server. */
  readonly trust: string;
  readonly userName: string;
  /** PEM texts, or the file of both. */
  readonly credentials: { readonly certificate: string; readonly key: string } | { readonly path: HostPath };
}

/** A scalar that needs no quotes in YAML; other names are quoted as in JSON, which YAML reads. */
const PLAIN = /^[A-Za-z/][A-Za-z0-9:./@_-]*[A-Za-z0-9]$/;

function scalar(text: string): string {
  return PLAIN.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text) ? text : JSON.stringify(text);
}

/**
 * A kubeconfig as kubeadm writes it: one cluster, one user and one context `USER@CLUSTER` (kubeadm `app/util/kubeconfig`
 * CreateWithCerts; the order of the fields is that of client-go `clientcmd` Write).
 */
export function renderNewKubeconfig({ server, clusterName, trust, userName, credentials }: NewKubeconfig): string {
  const data = (pem: string): string => Buffer.from(pem, 'latin1').toString('base64');
  const context = scalar(`${userName}@${clusterName}`);
  const user =
    'path' in credentials
      ? { 'client-certificate': scalar(credentials.path), 'client-key': scalar(credentials.path) }
      : { 'client-certificate-data': data(credentials.certificate), 'client-key-data': data(credentials.key) };
  return [
    'apiVersion: v1',
    'clusters:',
    '- cluster:',
    `    certificate-authority-data: ${data(trust)}`,
    `    server: ${scalar(server)}`,
    `  name: ${scalar(clusterName)}`,
    'contexts:',
    '- context:',
    `    cluster: ${scalar(clusterName)}`,
    `    user: ${scalar(userName)}`,
    `  name: ${context}`,
    `current-context: ${context}`,
    'kind: Config',
    'preferences: {}',
    'users:',
    `- name: ${scalar(userName)}`,
    '  user:',
    ...Object.entries(user).map(([field, value]) => `    ${field}: ${value}`),
    '',
  ].join('\n');
}
