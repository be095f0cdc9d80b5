import { IngressDnsError } from '../errors.ts';
import type { AssumedRole, AwsCredentials, CredentialSource } from './aws-credentials.ts';
import type { IniSections } from './ini.ts';

/** The two files with profiles. */
export interface ProfileFiles {
  readonly credentials: IniSections;
  readonly config: IniSections;
}

/** A profile, and the profile that holds its keys. */
export interface ResolvedProfile extends CredentialSource {
  readonly keysIn: string;
}

const LONGEST_CHAIN = 5;

/**
 * Resolves a profile: its own keys, or a role that is assumed with the keys of another profile.
 *
 * @param where for messages: which file or Secret
 * @throws IngressDnsError `DNS_CREDENTIALS_NOT_FOUND` `DNS_CREDENTIALS_UNREADABLE`
 */
export function resolveProfile(files: ProfileFiles, profile: string, where: string): ResolvedProfile {
  const subject = `profile ${profile} of ${where}`;
  const roles: AssumedRole[] = [];
  let region: string | undefined;
  let name = profile;
  for (let depth = 0; depth < LONGEST_CHAIN; depth += 1) {
    const settings = new Map([...(files.config.get(name) ?? []), ...(files.credentials.get(name) ?? [])]);
    if (settings.size === 0) throw missing(subject, name);
    region ??= settings.get('region');
    const arn = settings.get('role_arn');
    const next = settings.get('source_profile');
    const ambient = ambientOf(settings);
    if (arn !== undefined) roles.unshift({ arn, externalId: settings.get('external_id') });
    if (arn === undefined || next === undefined || next === name) {
      const keys = keysOf(settings);
      if (keys === undefined && ambient === undefined) throw missing(subject, name);
      return { where: subject, keys, ambient: keys === undefined ? ambient : undefined, roles, region, keysIn: name };
    }
    name = next;
  }
  throw new IngressDnsError({
    code: 'DNS_CREDENTIALS_UNREADABLE',
    message: 'the profiles refer to each other in a loop',
    subject,
    hint: 'correct source_profile in these profiles',
  });
}

function keysOf(settings: ReadonlyMap<string, string>): AwsCredentials | undefined {
  const accessKeyId = settings.get('aws_access_key_id');
  const secretAccessKey = settings.get('aws_secret_access_key');
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: settings.get('aws_session_token') };
}

function ambientOf(settings: ReadonlyMap<string, string>): CredentialSource['ambient'] {
  if (settings.has('credential_process')) return 'credential process';
  if (settings.has('sso_session') || settings.has('sso_start_url')) return 'IAM Identity Center';
  if (settings.has('web_identity_token_file')) return 'IRSA';
  return settings.has('credential_source') ? 'instance role' : undefined;
}

function missing(subject: string, profile: string): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_CREDENTIALS_NOT_FOUND',
    message: `profile ${profile} has neither keys nor a role`,
    subject,
    hint: 'check the profile name and its aws_access_key_id and aws_secret_access_key',
  });
}
