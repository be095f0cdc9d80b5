import type { WebIdentity } from '../web-identity/web-identity.ts';
import type { NamedZones } from './named-zones.ts';

/** A pair of keys; temporary keys have a session token. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A role that is assumed with the keys, or with the previous role. */
export interface AssumedRole {
  readonly arn: string;
  readonly externalId?: string | undefined;
}

/** How AWS provides credentials to a workload without keys; only the workload itself can use them. */
type AmbientCredentials = 'IRSA' | 'Pod Identity' | 'instance role' | 'credential process' | 'IAM Identity Center';

/** Credentials and their origin. */
export interface CredentialSource {
  /** For messages: `the environment`, `profile shop of /root/.aws/credentials`, `Secret dns/aws, keys id and secret`. */
  readonly where: string;
  /** Verbatim, white space included; absent when the credentials are `ambient`. */
  readonly keys?: AwsCredentials | undefined;
  readonly ambient?: AmbientCredentials | undefined;
  /** For `IRSA`: the role and the token. */
  readonly webIdentity?: WebIdentity | undefined;
  /** Assumed one after the other. */
  readonly roles: readonly AssumedRole[];
  readonly region?: string | undefined;
  /** Zones that the workload names by id. `undefined`: it looks its zones up by name. */
  readonly zones?: NamedZones | undefined;
}

const ACCESS_KEY_ID = /^[A-Z0-9]{16,128}$/;

/** Whether this can be an access key id: 16 to 128 capital letters and digits (IAM API reference, `AccessKey`). */
export function isAccessKeyId(text: string): boolean {
  return ACCESS_KEY_ID.test(text);
}

/** `AKIA…WXYZ`; any other text may be a secret and is hidden completely. */
export function maskAccessKeyId(accessKeyId: string): string {
  const trimmed = accessKeyId.trim();
  return isAccessKeyId(trimmed) ? `${trimmed.slice(0, 4)}…${trimmed.slice(-4)}` : '(no access key id)';
}
