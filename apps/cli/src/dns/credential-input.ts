import type { AwsClientConfig, CredentialSource } from '@kube-rescue/ingress-dns';
import { copyOnly, type Host } from '@kube-rescue/host';
import { usageError } from '../envelope.ts';
import { callerEnvironment, ingressDns, readStandardInput, type Session } from '../wiring.ts';

/** The values of `credentialFlags`. */
export interface CredentialValues {
  readonly profile: string | undefined;
  readonly 'aws-credentials': string | undefined;
  readonly 'role-arn': string | undefined;
  readonly 'external-id': string | undefined;
  readonly region: string | undefined;
}

/** Whether the flags name credentials, which replace those of the cluster. */
export function areGiven(flags: CredentialValues): boolean {
  return flags.profile !== undefined || flags['aws-credentials'] !== undefined;
}

/** Reads the credentials named by the flags, or those of the environment. */
export async function readSource(flags: CredentialValues, session: Session): Promise<CredentialSource> {
  const { findCallerCredentials, parseCredentials, zonesInEnvironment } = await ingressDns();
  const { profile, 'role-arn': arn, 'external-id': externalId, 'aws-credentials': file } = flags;
  const role = arn === undefined ? undefined : { arn, externalId };
  if (file === undefined) {
    return findCallerCredentials(
      { environment: callerEnvironment(), profile, role },
      { host: session.localFiles.host },
    );
  }
  const parsed = parseCredentials(await readText(file, session), file === '-' ? 'standard input' : file, profile);
  const found = { ...parsed, zones: zonesInEnvironment(callerEnvironment()) };
  return role === undefined ? found : { ...found, roles: [...found.roles, role] };
}

/** The AWS client configuration: flags first, then the credentials, then the environment. */
export async function readClientConfig(
  { region }: CredentialValues,
  source: CredentialSource | undefined,
  { host }: Session,
): Promise<AwsClientConfig> {
  assertOnNetwork(host);
  const { clientConfigFromEnvironment } = await ingressDns();
  const awsClient = clientConfigFromEnvironment(callerEnvironment());
  return { ...awsClient, region: region ?? source?.region ?? awsClient.region };
}

/** DNS and AWS are asked from this machine, never for a copy of a node's files. @throws HostError `HOST_COPY` */
export function assertOnNetwork(host: Pick<Host, 'kind' | 'name'>): void {
  if (host.kind === 'copy') throw copyOnly('AWS and DNS', host.name);
}

async function readText(file: string, { localFiles }: Session): Promise<string> {
  if (file === '-') return readStandardInput();
  const path = localFiles.path(file);
  const bytes = await localFiles.host.readFile(path);
  if (bytes === undefined) throw usageError('file not found', path, 'check the path given with --aws-credentials');
  return new TextDecoder().decode(bytes);
}
