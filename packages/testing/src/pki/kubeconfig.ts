export interface KubeconfigInput {
  /** `https://10.9.0.11:6443` */
  readonly server: string;
  /** For example `kubernetes-admin`. */
  readonly user: string;
  /** PEM, one certificate or several. */
  readonly ca: string;
  /** The lines of the user's credentials, such as `client-key-data: ...`. */
  readonly credentials: readonly string[];
}

/** Credentials with the client certificate and key inside the file. */
export function embeddedCredentials(certificate: string, key: string): readonly string[] {
  return [`client-certificate-data: ${base64(certificate)}`, `client-key-data: ${base64(key)}`];
}

/** A kubeconfig as kubeadm writes it. */
export function kubeconfigText({ server, user, ca, credentials }: KubeconfigInput): string {
  const context = `${user}@kubernetes`;
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${base64(ca)}
    server: ${server}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: ${user}
  name: ${context}
current-context: ${context}
kind: Config
preferences: {}
users:
- name: ${user}
  user:
${credentials.map((line) => `    ${line}\n`).join('')}`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
