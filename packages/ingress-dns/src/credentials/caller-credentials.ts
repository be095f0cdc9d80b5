import { type Host, hostPath } from '@kube-rescue/host';
import { IngressDnsError } from '../errors.ts';
import type { AssumedRole, CredentialSource } from './aws-credentials.ts';
import { type IniSections, parseIni } from './ini.ts';
import { type NamedZones, namedZones, ZONE_VARIABLE } from './named-zones.ts';
import { resolveProfile } from './profile.ts';

/** Variables of an environment, for example `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface CallerCredentials {
  /** The caller's environment; the usual `AWS_*` variables are read. */
  readonly environment: Environment;
  /** Takes precedence over keys in the environment. Default: `AWS_PROFILE`, then `default`. */
  readonly profile?: string | undefined;
  /** Assumed with the credentials found. */
  readonly role?: AssumedRole | undefined;
}

/**
 * Finds the caller's credentials in the order of the AWS tools: a named profile, keys in the environment, the default profile.
 *
 * Asks no metadata service and runs no program: such credentials are reported as `ambient`.
 *
 * @throws IngressDnsError `DNS_CREDENTIALS_NOT_FOUND` `DNS_CREDENTIALS_UNREADABLE`
 */
export async function findCallerCredentials(
  { environment, profile, role }: CallerCredentials,
  { host }: { readonly host: Pick<Host, 'readFile'> },
): Promise<CredentialSource> {
  const found = await findSource(environment, profile, host);
  const region = environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? found.region;
  const zones = zonesInEnvironment(environment);
  return { ...found, roles: role === undefined ? found.roles : [...found.roles, role], region, zones };
}

/** The zone that the environment names by its id. */
export function zonesInEnvironment(environment: Environment): NamedZones | undefined {
  return namedZones(ZONE_VARIABLE, [environment[ZONE_VARIABLE]]);
}

async function findSource(
  environment: Environment,
  named: string | undefined,
  host: Pick<Host, 'readFile'>,
): Promise<CredentialSource> {
  const fromEnvironment = await readEnvironment(environment, 'the environment', host);
  if (named === undefined && fromEnvironment !== undefined) return fromEnvironment;
  const home = environment['HOME'] ?? '/root';
  const path = environment['AWS_SHARED_CREDENTIALS_FILE'] ?? `${home}/.aws/credentials`;
  const files = {
    credentials: await readIni(path, host),
    config: await readIni(environment['AWS_CONFIG_FILE'] ?? `${home}/.aws/config`, host),
  };
  const profile = named ?? environment['AWS_PROFILE'];
  if (profile === undefined && !files.credentials.has('default') && !files.config.has('default')) {
    throw new IngressDnsError({
      code: 'DNS_CREDENTIALS_NOT_FOUND',
      message: 'no AWS credentials in the environment and no default profile',
      subject: path,
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with --profile, or give a file with --aws-credentials',
    });
  }
  return resolveProfile(files, profile ?? 'default', path);
}

/** The credentials in an environment or named there without a file; `undefined` when there are none. */
async function readEnvironment(
  environment: Environment,
  where: string,
  host: Pick<Host, 'readFile'>,
): Promise<CredentialSource | undefined> {
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'];
  const region = environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'];
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const keys = { accessKeyId, secretAccessKey, sessionToken: environment['AWS_SESSION_TOKEN'] };
    return { where, keys, roles: [], region };
  }
  const tokenFile = environment['AWS_WEB_IDENTITY_TOKEN_FILE'];
  if (tokenFile !== undefined) {
    const bytes = tokenFile.startsWith('/') ? await host.readFile(hostPath(tokenFile)) : undefined;
    const token = bytes === undefined ? undefined : Buffer.from(bytes).toString();
    const webIdentity = { roleArn: environment['AWS_ROLE_ARN'], tokenFiles: [], token };
    return { where: `the environment, token in ${tokenFile}`, ambient: 'IRSA', webIdentity, roles: [], region };
  }
  if (environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'] !== undefined) {
    return { where, ambient: 'Pod Identity', roles: [], region };
  }
  return undefined;
}

async function readIni(path: string, host: Pick<Host, 'readFile'>): Promise<IniSections> {
  const bytes = await host.readFile(hostPath(path));
  return parseIni(Buffer.from(bytes ?? []).toString());
}
