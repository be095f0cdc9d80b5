/** A file with the token of a pod. */
export interface TokenFile {
  /** `NAMESPACE/NAME` of the pod. */
  readonly pod: string;
  /** The node of the pod; only there is the file. */
  readonly node: string | undefined;
  /** Below the kubelet's root directory, by default `/var/lib/kubelet`. */
  readonly kubeletPath: string;
}

/** A role that a workload assumes with its service account token (IRSA), and what Kubernetes writes into that token. */
export interface WebIdentity {
  /** `undefined`: neither a variable nor the service account names one. */
  readonly roleArn: string | undefined;
  /** `system:serviceaccount:NAMESPACE:NAME`. `undefined` away from a cluster: only the token names it. */
  readonly subject?: string | undefined;
  /** The audience that the token is requested for. */
  readonly audience?: string | undefined;
  /** Where the kubelets keep the token. */
  readonly tokenFiles: readonly TokenFile[];
  /** The token, verbatim: a secret. `undefined`: not read. */
  readonly token?: string | undefined;
}

/** What judges a web identity from outside of its pod. All of it is public. */
export interface WebIdentityContext {
  /** The issuer that the API server writes into new tokens: its first `--service-account-issuer`. */
  readonly issuer?: string | undefined;
  /** The `kid` of the key that signs new tokens. */
  readonly signingKeyId?: string | undefined;
  /** The trust policy of the role. Default: not judged. */
  readonly trustPolicy?: TrustPolicy | undefined;
}

/** The trust policy of a role. */
export interface TrustPolicy {
  /** The role that has it; `undefined` where the text holds the policy document alone. */
  readonly roleArn: string | undefined;
  readonly version: string;
  readonly statements: readonly Readonly<Record<string, unknown>>[];
}

/** The default audience of the Amazon EKS Pod Identity Webhook (its README, `--token-audience`). */
export const AWS_AUDIENCE = 'sts.amazonaws.com';
