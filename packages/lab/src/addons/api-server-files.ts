/** Where the API server of a cluster with addons has its further files; kubeadm mounts the directory into its pod. */
export const API_SERVER_DIRECTORY = '/etc/kubernetes/api-server';

/** In front of each line of a CA inline. */
export const INLINE_INDENT = '        ';

/** The flags of the API server that name the files of {@link renderApiServerFiles}. */
export const API_SERVER_FLAGS: Readonly<Record<string, string>> = {
  // So that logs and exec need serving certificates that the cluster CA has signed.
  'kubelet-certificate-authority': '/etc/kubernetes/pki/ca.crt',
  'encryption-provider-config': `${API_SERVER_DIRECTORY}/encryption.yaml`,
  'authentication-config': `${API_SERVER_DIRECTORY}/authentication.yaml`,
  'authorization-config': `${API_SERVER_DIRECTORY}/authorization.yaml`,
  'audit-policy-file': `${API_SERVER_DIRECTORY}/audit-policy.yaml`,
  'audit-webhook-config-file': `${API_SERVER_DIRECTORY}/audit-webhook.conf`,
  'audit-webhook-batch-max-wait': '1s',
};

/** The audience of the outside issuer's tokens, and the prefix of their users. */
export const TOKEN_AUDIENCE = 'lab';
export const TOKEN_USER_PREFIX = 'outside:';

export interface ApiServerFilesInput {
  /** URL of the webhooks and the issuer. */
  readonly url: string;
  /** The cluster CA, PEM. */
  readonly ca: string;
  /** The API server's client certificate for the webhooks and its key, PEM. */
  readonly client: { readonly certificate: string; readonly key: string };
  /** 32 bytes. */
  readonly encryptionKey: Buffer;
}

/**
 * The further files of an API server: encryption at rest (secretbox), structured authentication and authorization, and an audit
 * webhook. The CA of the cluster is in three of them, inline.
 */
export function renderApiServerFiles(input: ApiServerFilesInput): Readonly<Record<string, string>> {
  const { url, ca, encryptionKey } = input;
  return {
    'encryption.yaml': `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets, configmaps]
    providers:
      - secretbox:
          keys:
            - name: key1
              secret: ${encryptionKey.toString('base64')}
      - identity: {}
`,
    'authentication.yaml': `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
  - issuer:
      url: ${url}
      audiences: [${TOKEN_AUDIENCE}]
      certificateAuthority: |
${ca.trimEnd().replaceAll(/^/gm, INLINE_INDENT)}
    claimMappings:
      username:
        claim: sub
        prefix: "${TOKEN_USER_PREFIX}"
`,
    'authorization.yaml': `apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:
  - type: Node
    name: node
  - type: RBAC
    name: rbac
  - type: Webhook
    name: outside
    webhook:
      timeout: 3s
      authorizedTTL: 10s
      unauthorizedTTL: 10s
      subjectAccessReviewVersion: v1
      matchConditionSubjectAccessReviewVersion: v1
      failurePolicy: NoOpinion
      connectionInfo:
        type: KubeConfigFile
        kubeConfigFile: ${API_SERVER_DIRECTORY}/authorization-webhook.conf
`,
    'authorization-webhook.conf': webhookKubeconfig(`${url}/authorize`, input),
    'audit-policy.yaml': `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - level: Metadata
    verbs: [create]
    resources:
      - group: ""
        resources: [configmaps]
  - level: None
`,
    'audit-webhook.conf': webhookKubeconfig(`${url}/audit`, input),
  };
}

function webhookKubeconfig(server: string, { ca, client }: ApiServerFilesInput): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: outside
    cluster:
      certificate-authority-data: ${base64(ca)}
      server: ${server}
users:
  - name: kube-apiserver
    user:
      client-certificate-data: ${base64(client.certificate)}
      client-key-data: ${base64(client.key)}
contexts:
  - name: outside
    context:
      cluster: outside
      user: kube-apiserver
current-context: outside
`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
