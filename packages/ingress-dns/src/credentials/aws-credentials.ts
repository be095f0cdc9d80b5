/** A pair of keys, with the token of a session where it is one. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A role that is assumed with the keys, or with the role before it. */
export interface AssumedRole {
  readonly arn: string;
  readonly externalId?: string | undefined;
}

/** How AWS lends credentials to a workload that holds none itself; nobody outside of it can use them. */
export type AmbientCredentials =
  | 'IRSA'
  | 'Pod Identity'
  | 'instance role'
  | 'credential process'
  | 'IAM Identity Center';

/** Where credentials were found, and what they are. */
export interface CredentialSource {
  /** For messages: `the environment`, `profile shop of /root/.aws/credentials`, `Secret dns/aws, keys id and secret`. */
  readonly where: string;
  /** Exactly as they stand there, white space included; absent when they are `ambient`. */
  readonly keys?: AwsCredentials | undefined;
  readonly ambient?: AmbientCredentials | undefined;
  /** Assumed one after the other. */
  readonly roles: readonly AssumedRole[];
  readonly region?: string | undefined;
}

const ACCESS_KEY_ID = /^[A-Z0-9]{16,128}$/;

/** Whether this can be an access key id: 16 to 128 capital letters and digits (IAM API reference, `AccessKey`). */
export function isAccessKeyId(text: string): boolean {
  return ACCESS_KEY_ID.test(text);
}

/** `AKIA…WXYZ`; what does not look like an access key id may be a secret and is not shown at all. */
export function maskAccessKeyId(accessKeyId: string): string {
  const trimmed = accessKeyId.trim();
  return isAccessKeyId(trimmed) ? `${trimmed.slice(0, 4)}…${trimmed.slice(-4)}` : '(no access key id)';
}
