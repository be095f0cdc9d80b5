import { IngressDnsError } from '../errors.ts';
import type { AwsCredentials, CredentialSource } from './aws-credentials.ts';
import { parseIni } from './ini.ts';
import { resolveProfile } from './profile.ts';

const NO_SECTIONS: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map();

/**
 * Reads credentials from a text: JSON as `aws sts` and `aws iam create-access-key` print it, a credentials file, or lines of
 * `AWS_ACCESS_KEY_ID=…`.
 *
 * @param where for messages
 * @param profile of a credentials file. Default: `default`
 * @throws IngressDnsError `DNS_CREDENTIALS_UNREADABLE` `DNS_CREDENTIALS_NOT_FOUND`; never with a part of the text
 */
export function parseCredentials(text: string, where: string, profile = 'default'): CredentialSource {
  if (text.trimStart().startsWith('{')) return { where, keys: keysOfJson(text, where), roles: [] };
  if (/^\s*\[/m.test(text)) return resolveProfile({ credentials: parseIni(text), config: NO_SECTIONS }, profile, where);
  const lines = text.split(/\r?\n/).flatMap((line) => {
    const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_]+)\s*=\s*["']?(.*?)["']?\s*$/.exec(line) ?? [];
    return name === undefined ? [] : [[name.toUpperCase(), value] as const];
  });
  const variables = new Map(lines);
  const keys = keysFrom((name) => variables.get(`AWS_${name}`));
  if (keys === undefined) throw unreadable(where);
  return { where, keys, roles: [], region: variables.get('AWS_REGION') };
}

function keysOfJson(text: string, where: string): AwsCredentials {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The message of the JSON parser quotes the text, which may hold the secret.
    throw unreadable(where);
  }
  const outer = value as Readonly<Record<string, unknown>>;
  const fields = { ...outer, ...asObject(outer['Credentials']), ...asObject(outer['AccessKey']) };
  const byName = new Map(
    Object.entries(fields).map(([name, field]) => [name.toLowerCase().replaceAll('_', ''), field]),
  );
  const keys = keysFrom((name) => {
    const plain = name.toLowerCase().replaceAll('_', '');
    const field = byName.get(plain) ?? byName.get(`aws${plain}`);
    return typeof field === 'string' ? field : undefined;
  });
  if (keys === undefined) throw unreadable(where);
  return keys;
}

function keysFrom(read: (name: string) => string | undefined): AwsCredentials | undefined {
  const accessKeyId = read('ACCESS_KEY_ID');
  const secretAccessKey = read('SECRET_ACCESS_KEY');
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: read('SESSION_TOKEN') };
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

function unreadable(where: string): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_CREDENTIALS_UNREADABLE',
    message: 'the text contains no access key id with a secret access key',
    subject: where,
    hint: 'give JSON with AccessKeyId and SecretAccessKey, a credentials file, or lines that set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  });
}
