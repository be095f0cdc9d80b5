import { startLocalAws } from '@kube-rescue/testing';
import type { AwsKey, LocalAws } from '@kube-rescue/testing';
import type { HostedZone } from './aws/aws-account.ts';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LinkId } from './conditions/condition.ts';
import type { IngressDnsErrorCode } from './errors.ts';

export const NAME = 'shop.example.test';
const ZONE = 'example.test';
const ADDRESS = '127.0.0.1';

/** A shop whose name, zone, records and endpoint are all as they should be. */
export interface DnsWorld {
  readonly aws: LocalAws;
  /** Good, and allowed everything. */
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

/** One way in which a world goes wrong. */
export interface Break {
  readonly title: string;
  readonly link: LinkId;
  readonly code: IngressDnsErrorCode;
  /** Breaks the world; answers the key that is used then. */
  arrange(world: DnsWorld): Promise<AwsKey> | AwsKey;
  /** The address that the name should lead to. Default: nobody says. */
  readonly target?: string;
  /** The name's own name server tells the truth. Default: all links behind the cause are looked at. */
  readonly name?: string;
}

const HOUR_MS = 3_600_000;

export const BREAKS: readonly Break[] = [
  {
    title: 'a key that AWS does not know',
    link: 'identity',
    code: 'DNS_KEY_UNKNOWN',
    arrange: ({ key }) => ({ ...key, accessKeyId: `AKIA${key.accessKeyId.slice(4).split('').toReversed().join('')}` }),
  },
  {
    title: 'the secret of another key',
    link: 'identity',
    code: 'DNS_SECRET_WRONG',
    arrange: ({ aws, key }) => ({ ...key, secretAccessKey: aws.addKey().secretAccessKey }),
  },
  {
    title: 'a line break behind the secret',
    link: 'form',
    code: 'DNS_CREDENTIALS_WHITESPACE',
    arrange: ({ key }) => ({ ...key, secretAccessKey: `${key.secretAccessKey}\n` }),
  },
  {
    title: 'id and secret swapped',
    link: 'form',
    code: 'DNS_CREDENTIALS_SWAPPED',
    arrange: ({ key }) => ({ accessKeyId: key.secretAccessKey, secretAccessKey: key.accessKeyId }),
  },
  {
    title: 'a session that has expired',
    link: 'identity',
    code: 'DNS_SESSION_EXPIRED',
    arrange: ({ aws }) => aws.addSession({}, -HOUR_MS),
  },
  {
    title: 'a temporary key without its session token',
    link: 'form',
    code: 'DNS_SESSION_TOKEN_MISSING',
    arrange: ({ aws }) => {
      const { accessKeyId, secretAccessKey } = aws.addSession();
      return { accessKeyId, secretAccessKey };
    },
  },
  {
    title: 'a clock that is an hour behind',
    link: 'clock',
    code: 'DNS_CLOCK_SKEWED',
    arrange: ({ aws, key }) => {
      aws.shiftClock(HOUR_MS);
      return key;
    },
  },
  {
    title: 'no hosted zone for the name',
    link: 'zone',
    code: 'DNS_ZONE_MISSING',
    arrange: ({ key }) => key,
    name: 'www.elsewhere.test',
  },
  {
    title: 'only a private zone for the name',
    link: 'zone',
    code: 'DNS_ZONE_PRIVATE',
    arrange: async ({ aws, key }) => {
      await aws.addZone({ name: 'inside.test', isPrivate: true });
      return key;
    },
    name: 'www.inside.test',
  },
  {
    title: 'no permission to list',
    link: 'list',
    code: 'DNS_LIST_DENIED',
    arrange: ({ aws }) => aws.addKey({ actions: ['route53:ChangeResourceRecordSets'] }),
  },
  {
    title: 'no permission to list the records',
    link: 'list',
    code: 'DNS_LIST_DENIED',
    arrange: ({ aws }) => aws.addKey({ actions: ['route53:ListHostedZones', 'route53:ChangeResourceRecordSets'] }),
  },
  {
    title: 'no permission to change',
    link: 'change',
    code: 'DNS_CHANGE_DENIED',
    arrange: ({ aws }) => aws.addKey({ actions: ['route53:ListHostedZones', 'route53:ListResourceRecordSets'] }),
  },
  {
    title: 'an account that is throttled',
    link: 'list',
    code: 'DNS_THROTTLED',
    arrange: ({ aws, key }) => {
      aws.throttleNext(100);
      return key;
    },
  },
  {
    title: 'a delegation to the servers of a zone that was deleted',
    link: 'delegation',
    code: 'DNS_DELEGATION_WRONG',
    arrange: async ({ aws, key }) => {
      await aws.delegate(ZONE, ['ns-9-0.awsdns.test', 'ns-9-1.awsdns.test']);
      return key;
    },
  },
  {
    title: 'a record that was never made',
    link: 'record',
    code: 'DNS_RECORD_MISSING',
    arrange: ({ key }) => key,
    name: `new.${ZONE}`,
  },
  {
    title: 'a record that leads elsewhere',
    link: 'record',
    code: 'DNS_RECORD_WRONG',
    arrange: ({ key }) => key,
    target: '192.0.2.9',
  },
  {
    title: 'a resolver that remembers the old record',
    link: 'resolution',
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
    title: 'an endpoint that does not answer',
    link: 'endpoint',
    code: 'DNS_ENDPOINT_DEAD',
    arrange: async ({ key, closeEndpoint }) => {
      await closeEndpoint();
      return key;
    },
  },
];

function record(value: string): { name: string; type: string; ttl: number; values: readonly string[] } {
  return { name: NAME, type: 'A', ttl: 300, values: [value] };
}

/** So that the resolver has something to remember. */
async function askOnce({ resolver }: LocalAws): Promise<void> {
  const { createLocalHost } = await import('@kube-rescue/host');
  await createLocalHost().resolveDns({ name: NAME, type: 'A', server: resolver, timeoutMs: 2000 });
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
