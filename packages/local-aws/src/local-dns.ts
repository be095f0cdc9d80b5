import { type CachingResolver, startCachingResolver } from './caching-resolver.ts';
import type { HostedZone, HostedZones } from './hosted-zones.ts';
import { type RecordSet, type RunningNameServer, startNameServer } from './name-server.ts';

const PARENT = 'test';

/** The DNS servers of hosted zones and of their parent domain. */
export interface LocalDns {
  readonly resolver: CachingResolver;
  readonly publish: () => Promise<void>;
  delegate(name: string, nameServers: readonly string[]): Promise<void>;
  delegateOnce(zone: HostedZone): Promise<void>;
  stop(): Promise<void>;
}

/** The addresses and ports of the servers. */
export interface DnsLocations {
  readonly address: string;
  readonly parentAddress: string;
  readonly port: number;
  readonly resolverPort: number;
}

/** Starts the servers of the zones and of their parent, and a resolver that follows the delegations. */
export async function startLocalDns(locations: DnsLocations, zones: HostedZones): Promise<LocalDns> {
  const delegations = new Map<string, readonly string[]>();
  const started: RunningNameServer[] = [];
  for (const address of [locations.address, locations.parentAddress]) {
    started.push(await startNameServer(address, locations.port));
  }
  const [aws, parent] = started as [RunningNameServer, RunningNameServer];
  const publishParent = (): Promise<void> =>
    parent.serve([{ name: PARENT, records: parentRecords(delegations, zones.list(), locations) }]);
  const delegate = async (name: string, nameServers: readonly string[]): Promise<void> => {
    delegations.set(name, nameServers);
    await publishParent();
  };
  await publishParent();
  const ownServers = (): ReadonlySet<string> => new Set(zones.list().flatMap(({ nameServers }) => nameServers));
  const resolver = await startCachingResolver({ address: locations.address, port: locations.resolverPort }, (name) => {
    const delegated = [...delegations.keys()]
      .filter((each) => name === each || name.endsWith(`.${each}`))
      .toSorted((a, b) => b.length - a.length)[0];
    if (delegated === undefined) return parent;
    return delegations.get(delegated)?.some((each) => ownServers().has(each)) === true ? aws : undefined;
  });
  return {
    resolver,
    publish: () => aws.serve(zones.served()),
    delegate,
    delegateOnce: async ({ name, nameServers }) => {
      if (!delegations.has(name)) await delegate(name, nameServers);
    },
    stop: async () => {
      await Promise.all([...started.map((server) => server.stop()), resolver.stop()]);
    },
  };
}

/** The parent's records: its own name server, the servers of every delegation set, and the delegations. */
function parentRecords(
  delegations: ReadonlyMap<string, readonly string[]>,
  zones: readonly HostedZone[],
  { address: awsAddress, parentAddress }: DnsLocations,
): readonly RecordSet[] {
  const address = (name: string, value: string): RecordSet => ({ name, type: 'A', ttl: 60, values: [value] });
  return [
    { name: PARENT, type: 'NS', ttl: 60, values: [`ns.${PARENT}.`] },
    address(`ns.${PARENT}`, parentAddress),
    ...zones.flatMap(({ nameServers }) => nameServers).map((name) => address(name, awsAddress)),
    ...[...delegations].map(([name, servers]) => ({
      name,
      type: 'NS',
      ttl: 60,
      values: servers.map((each) => `${each}.`),
    })),
  ];
}
