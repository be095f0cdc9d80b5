import { Flags } from '@oclif/core';
import type { DnsCheckInput, DnsServer, WantedName } from '@kube-rescue/ingress-dns';
import { usageError } from '../envelope.ts';

const SERVER = /^(?:\[([0-9a-f:.]+)\]|([0-9a-f.]+)|([0-9a-f:]+:[0-9a-f:]*))(?::(\d{1,5}))?$/i;
const DNS_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{1,63}$/;
const LAST_PORT = 65_535;

const port = Flags.custom<number>({
  helpValue: 'PORT',
  parse: async (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number > 0 && number <= LAST_PORT) return number;
    throw new Error(`${text} is not a port`);
  },
});

/** A time to wait. */
export const seconds = Flags.custom<number>({
  helpValue: 'SECONDS',
  parse: async (text) => {
    const number = Number(text);
    if (Number.isFinite(number) && number >= 0) return number;
    throw new Error(`${text} is not a number of seconds`);
  },
});

export const controllerFlag = Flags.string({
  description: 'the workload whose credentials are meant; default: the one that is known for keeping records',
  helpValue: 'NAMESPACE/NAME',
  helpGroup: 'AWS',
});

/** Flags that say whose AWS credentials are meant, and how AWS is reached. */
export const credentialFlags = {
  profile: Flags.string({ description: 'judge this profile of the AWS files', helpValue: 'NAME', helpGroup: 'AWS' }),
  'aws-credentials': Flags.string({
    description: 'judge the keys in this file (JSON, a credentials file, or AWS_…= lines); - is the standard input',
    helpValue: 'FILE',
    helpGroup: 'AWS',
  }),
  'role-arn': Flags.string({ description: 'assume this role with them', helpValue: 'ARN', helpGroup: 'AWS' }),
  'external-id': Flags.string({
    description: 'what the role wants to be told',
    helpValue: 'ID',
    helpGroup: 'AWS',
    dependsOn: ['role-arn'],
  }),
  region: Flags.string({ description: 'AWS region; decides the partition', helpValue: 'REGION', helpGroup: 'AWS' }),
};

/** Flags that say which names are meant, and how DNS and endpoints are asked. */
export const nameFlags = {
  domain: Flags.string({
    description: 'judge this host name (more than once: all of them); default: what the cluster wants',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME',
    helpGroup: 'DNS',
  }),
  target: Flags.string({
    description: 'address or name that it should lead to (more than once: any of them)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'TARGET',
    dependsOn: ['domain'],
    helpGroup: 'DNS',
  }),
  resolver: Flags.string({
    description: "ask this resolver instead of the machine's own (more than once: all of them)",
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'ADDRESS[:PORT]',
    helpGroup: 'DNS',
  }),
  'dns-port': port({ description: 'where authoritative name servers listen', default: 53, helpGroup: 'DNS' }),
  scheme: Flags.option({
    options: ['https', 'http'] as const,
    description: 'how endpoints are asked',
    default: 'https',
    helpGroup: 'DNS',
  })(),
  port: port({ description: 'where endpoints listen; default: as the scheme says', helpGroup: 'DNS' }),
  probe: Flags.boolean({
    description: 'ask the endpoints behind the names as well',
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

/** The names that the flags ask for; `undefined` when they name none. @throws CliError `USAGE` */
export function toNames({ domain, target = [] }: NameValues): readonly WantedName[] | undefined {
  return domain?.map((text) => {
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
