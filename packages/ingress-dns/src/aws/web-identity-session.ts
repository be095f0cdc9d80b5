import type { AwsCredentials } from '../credentials/aws-credentials.ts';
import { DEFAULT_REGION, partitionOf } from '../credentials/partition.ts';
import type { AwsAccountDeps } from './aws-account.ts';
import { IngressDnsError } from '../errors.ts';
import { awsFailure } from './aws-failure.ts';
import { type AwsClientConfig, clientOptions, type WireWatch, watchWire } from './client-options.ts';

/** The outcome of AssumeRoleWithWebIdentity. */
export type WebIdentitySession = Readonly<WireWatch> &
  (
    | { readonly keys: AwsCredentials; readonly failure?: undefined }
    | { readonly keys?: undefined; readonly failure: IngressDnsError }
  );

const SESSION_NAME = 'kube-rescue';
/** The shortest session that STS grants, in seconds. */
const DURATION = 900;
/** The request is not signed. */
const NO_KEYS: AwsCredentials = { accessKeyId: '', secretAccessKey: '' };

/** Assumes a role with a token, for fifteen minutes. A refusal of AWS is a result. */
export async function assumeRoleWithWebIdentity(
  { roleArn, token }: { readonly roleArn: string; readonly token: string },
  awsClient: AwsClientConfig,
  { clock, requestHandler }: AwsAccountDeps,
  signal?: AbortSignal,
): Promise<WebIdentitySession> {
  const watch: WireWatch = { requestCount: 0, clockAheadMs: undefined };
  const sdk = await import('@aws-sdk/client-sts');
  const client = new sdk.STSClient(clientOptions('sts', awsClient, NO_KEYS, requestHandler));
  watchWire(client.middlewareStack, watch, clock);
  const command = new sdk.AssumeRoleWithWebIdentityCommand({
    RoleArn: roleArn,
    RoleSessionName: SESSION_NAME,
    WebIdentityToken: token,
    DurationSeconds: DURATION,
  });
  try {
    const { Credentials } = await client.send(command, signal === undefined ? {} : { abortSignal: signal });
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken } = Credentials ?? {};
    const keys = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    return { ...watch, keys };
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    const partition = partitionOf(awsClient.region ?? DEFAULT_REGION);
    const failure = awsFailure(error, { action: 'sts:AssumeRoleWithWebIdentity', subject: roleArn, partition });
    if (!(failure instanceof IngressDnsError)) throw failure;
    return { ...watch, failure };
  } finally {
    client.destroy();
  }
}
