import { Flags } from '@oclif/core';
import type { DnsCheckInput, DnsServer, WantedName } from '@kube-rescue/ingress-dns';
import { usageError } from '../envelope.ts';

const SERVER = /^(?:\[([0-9a-f:.]+)\]|([0-9a-f.]+)|([0-9a-f:]+:[0-9a-f:]*))(?::(\d{1,5}))?$/i;
const DNS_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{1,63}$/;
const ZONE_ID = /^(?:\/?hostedzone\/)?Z[A-Z0-9]{3,31}$/;
const LAST_PORT = 65_535;

const port = Flags.custom<number>({
  helpValue: 'PORT',
  parse: async (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number > 0 && number <= LAST_PORT) return number;
    throw new Error(`${text} is not a port`);
  },
});

export const controllerFlag = Flags.string({
  description: 'workload whose credentials to use; default: the known DNS provider',
  helpValue: 'NAMESPACE/NAME',
  helpGroup: 'AWS',
});

/** AWS credentials and region. */
export const credentialFlags = {
  profile: Flags.string({ description: 'check this profile of the AWS files', helpValue: 'NAME', helpGroup: 'AWS' }),
  'aws-credentials': Flags.string({
    description: 'check the keys in this file (JSON, a credentials file, or AWS_…= lines); - is standard input',
    helpValue: 'FILE',
    helpGroup: 'AWS',
  }),
  'role-arn': Flags.string({ description: 'assume this role', helpValue: 'ARN', helpGroup: 'AWS' }),
  'external-id': Flags.string({
    description: 'external ID for AssumeRole',
    helpValue: 'ID',
    helpGroup: 'AWS',
    dependsOn: ['role-arn'],
  }),
  region: Flags.string({ description: 'AWS region; decides the partition', helpValue: 'REGION', helpGroup: 'AWS' }),
};

/** Host names to check, resolvers and endpoints. */
export const nameFlags = {
  domain: Flags.string({
    description: 'check this host name, or hosted zone by its ID (repeatable); default: the host names of the cluster',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME',
    helpGroup: 'DNS',
  }),
  target: Flags.string({
    description: 'expected address or name (repeatable; one match suffices)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'TARGET',
    dependsOn: ['domain'],
    helpGroup: 'DNS',
  }),
  resolver: Flags.string({
    description: "query this resolver instead of the machine's own (repeatable)",
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'ADDRESS[:PORT]',
    helpGroup: 'DNS',
  }),
  'dns-port': port({ description: 'port of authoritative name servers', default: 53, helpGroup: 'DNS' }),
  scheme: Flags.option({
    options: ['https', 'http'] as const,
    description: 'scheme of the endpoints',
    default: 'https',
    helpGroup: 'DNS',
  })(),
  port: port({ description: 'port of the endpoints; default: the port of the scheme', helpGroup: 'DNS' }),
  probe: Flags.boolean({
    description: 'also check the endpoints behind the names',
    default: true,
    allowNo: true,
    helpGroup: 'DNS',
  }),
};

/** The values of {@link nameFlags}. */
export interface NameValues {
  readonly domain: readonly string[] | undefined;
  readonly target: readonly string[] | undefined;
  readonly resolver: readonly string[] | undefined;
  readonly 'dns-port': number;
  readonly scheme: 'http' | 'https';
  readonly port: number | undefined;
  readonly probe: boolean;
}

/** The hosted zones in the flags, by id; also those given as a domain. */
export function toZoneIds({
  domain = [],
  'zone-id': ids = [],
}: Pick<NameValues, 'domain'> & { readonly 'zone-id': readonly string[] | undefined }): readonly string[] {
  return [...ids, ...domain.filter((text) => ZONE_ID.test(text))];
}

/** The names in the flags; `undefined` without any. @throws CliError `USAGE` */
export function toNames({ domain = [], target = [] }: NameValues): readonly WantedName[] | undefined {
  const given = domain.filter((text) => !ZONE_ID.test(text));
  if (given.length === 0) return undefined;
  return given.map((text) => {
    const name = text.toLowerCase().replace(/\.$/, '');
    if (DNS_NAME.test(name)) return { name, targets: target, origin: 'the caller' };
    throw usageError('this is not a host name', text, 'give a name such as shop.example.com, without scheme and path');
  });
}

/** @throws CliError `USAGE` */
export function toProbes(flags: NameValues): Pick<DnsCheckInput, 'dns' | 'endpoint'> {
  const { resolver = [], scheme, probe } = flags;
  return {
    dns: { resolvers: resolver.map(toServer), port: flags['dns-port'] },
    endpoint: probe ? { scheme, port: flags.port } : undefined,
  };
}

function toServer(text: string): DnsServer {
  const [, bracketed, v4, v6, number] = SERVER.exec(text) ?? [];
  const address = bracketed ?? v4 ?? v6;
  if (address === undefined)
    throw usageError('this is not an address', text, 'give --resolver 192.0.2.1 or [2001:db8::1]:53');
  return { address, port: number === undefined ? undefined : Number(number) };
}
