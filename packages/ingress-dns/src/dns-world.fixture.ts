import { createLocalHost, systemClock } from '@kube-rescue/host';
import { startLocalAws } from '@kube-rescue/testing';
import type { AwsKey, LocalAws } from '@kube-rescue/testing';
import type { HostedZone } from './aws/aws-account.ts';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConditionId } from './conditions/condition.ts';
import { checkIngressDns, type DnsCheckInput, type DnsReport } from './dns-check.ts';
import type { IngressDnsErrorCode } from './errors.ts';

export const NAME = 'shop.example.test';
const ZONE = 'example.test';
const ADDRESS = '127.0.0.1';

/** A shop with a working name, zone, record and endpoint. */
export interface DnsWorld {
  readonly aws: LocalAws;
  /** A valid key with all permissions. */
  readonly key: AwsKey;
  readonly zone: HostedZone;
  readonly port: number;
  closeEndpoint(): Promise<void>;
  stop(): Promise<void>;
}

export async function startDnsWorld(): Promise<DnsWorld> {
  const aws = await startLocalAws();
  const zone = await aws.addZone({ name: ZONE });
  await aws.putRecords(zone.id, [record(ADDRESS)]);
  const server = createServer(({ headers }, response) => response.end(headers.host)).listen(0, ADDRESS);
  await once(server, 'listening');
  const stopServer = (): Promise<void> => close(server);
  return {
    aws,
    key: aws.addKey(),
    zone,
    port: (server.address() as AddressInfo).port,
    closeEndpoint: stopServer,
    stop: async () => {
      await Promise.all([aws.stop(), server.listening ? stopServer() : undefined]);
    },
  };
}

/** Checks {@link NAME} with `keys`. */
export function checkWorld(
  { aws, port }: DnsWorld,
  keys: AwsKey,
  input: Partial<DnsCheckInput> = {},
): Promise<DnsReport> {
  return checkIngressDns(
    {
      source: { where: 'the test', keys, roles: [] },
      names: [{ name: NAME, targets: [], origin: 'the caller' }],
      awsClient: { endpoints: { sts: aws.endpoint, route53: aws.endpoint } },
      dns: { resolvers: [aws.resolver], port: aws.dnsPort },
      endpoint: { scheme: 'http', port },
      ...input,
    },
    { host: createLocalHost(), clock: systemClock },
  );
}

/** One fault. */
export interface Break {
  readonly title: string;
  readonly condition: ConditionId;
  readonly code: IngressDnsErrorCode;
  /** Causes the fault; returns the key to use. */
  arrange(world: DnsWorld): Promise<AwsKey> | AwsKey;
  /** The wanted address. Default: any. */
  readonly target?: string;
  /** The host name to check. Default: {@link NAME}. */
  readonly name?: string;
}

const HOUR_MS = 3_600_000;

export const BREAKS: readonly Break[] = [
  {
    title: 'an unknown access key',
    condition: 'identity',
    code: 'DNS_KEY_UNKNOWN',
    arrange: ({ key }) => ({ ...key, accessKeyId: `AKIA${key.accessKeyId.slice(4).split('').toReversed().join('')}` }),
  },
  {
    title: 'the secret of another key',
    condition: 'identity',
    code: 'DNS_SECRET_WRONG',
    arrange: ({ aws, key }) => ({ ...key, secretAccessKey: aws.addKey().secretAccessKey }),
  },
  {
    title: 'a line break after the secret',
    condition: 'form',
    code: 'DNS_CREDENTIALS_WHITESPACE',
    arrange: ({ key }) => ({ ...key, secretAccessKey: `${key.secretAccessKey}\n` }),
  },
  {
    title: 'id and secret swapped',
    condition: 'form',
    code: 'DNS_CREDENTIALS_SWAPPED',
    arrange: ({ key }) => ({ accessKeyId: key.secretAccessKey, secretAccessKey: key.accessKeyId }),
  },
  {
    title: 'an expired session',
    condition: 'identity',
    code: 'DNS_SESSION_EXPIRED',
    arrange: ({ aws }) => aws.addSession({}, -HOUR_MS),
  },
  {
    title: 'a temporary key without its session token',
    condition: 'form',
    code: 'DNS_SESSION_TOKEN_MISSING',
    arrange: ({ aws }) => {
      const { accessKeyId, secretAccessKey } = aws.addSession();
      return { accessKeyId, secretAccessKey };
    },
  },
  {
    title: 'a clock one hour behind',
    condition: 'clock',
    code: 'DNS_CLOCK_SKEWED',
    arrange: ({ aws, key }) => {
      aws.shiftClock(HOUR_MS);
      return key;
    },
  },
  {
    title: 'no hosted zone for the name',
    condition: 'zone',
    code: 'DNS_ZONE_MISSING',
    arrange: ({ key }) => key,
    name: 'www.elsewhere.test',
  },
  {
    title: 'only a private zone for the name',
    condition: 'zone',
    code: 'DNS_ZONE_PRIVATE',
    arrange: async ({ aws, key }) => {
      await aws.addZone({ name: 'inside.test', isPrivate: true });
      return key;
    },
    name: 'www.inside.test',
  },
  {
    title: 'no permission to list',
    condition: 'list',
    code: 'DNS_LIST_DENIED',
    arrange: ({ aws }) => aws.addKey({ actions: ['route53:ChangeResourceRecordSets'] }),
  },
  {
    title: 'no permission to list the records',
    condition: 'list',
    code: 'DNS_LIST_DENIED',
    arrange: ({ aws }) => aws.addKey({ actions: ['route53:ListHostedZones', 'route53:ChangeResourceRecordSets'] }),
  },
  {
    title: 'no permission to change',
    condition: 'change',
    code: 'DNS_CHANGE_DENIED',
    arrange: ({ aws }) => aws.addKey({ actions: ['route53:ListHostedZones', 'route53:ListResourceRecordSets'] }),
  },
  {
    title: 'a throttled account',
    condition: 'list',
    code: 'DNS_THROTTLED',
    arrange: ({ aws, key }) => {
      aws.throttleNext(100);
      return key;
    },
  },
  {
    title: 'a delegation to the servers of a deleted zone',
    condition: 'delegation',
    code: 'DNS_DELEGATION_WRONG',
    arrange: async ({ aws, key }) => {
      await aws.delegate(ZONE, ['ns-9-0.awsdns.test', 'ns-9-1.awsdns.test']);
      return key;
    },
  },
  {
    title: 'a missing record',
    condition: 'record',
    code: 'DNS_RECORD_MISSING',
    arrange: ({ key }) => key,
    name: `new.${ZONE}`,
  },
  {
    title: 'a record with another target',
    condition: 'record',
    code: 'DNS_RECORD_WRONG',
    arrange: ({ key }) => key,
    target: '192.0.2.9',
  },
  {
    title: 'a resolver with the old record in its cache',
    condition: 'resolution',
    code: 'DNS_RESOLVER_STALE',
    arrange: async ({ aws, key, zone }) => {
      await aws.putRecords(zone.id, [record('127.0.0.5')]);
      await askOnce(aws);
      aws.resolver.freeze();
      await aws.putRecords(zone.id, [record(ADDRESS)]);
      return key;
    },
  },
  {
    title: 'an endpoint that is down',
    condition: 'endpoint',
    code: 'DNS_ENDPOINT_DOWN',
    arrange: async ({ key, closeEndpoint }) => {
      await closeEndpoint();
      return key;
    },
  },
];

function record(value: string): { name: string; type: string; ttl: number; values: readonly string[] } {
  return { name: NAME, type: 'A', ttl: 300, values: [value] };
}

/** Fills the cache of the resolver. */
async function askOnce({ resolver }: LocalAws): Promise<void> {
  await createLocalHost().resolveDns({ name: NAME, type: 'A', server: resolver, timeoutMs: 2000 });
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
