import type { Clock, Host } from '@kube-rescue/host';
import { mapConcurrent } from '@kube-rescue/workflow';
import type { AwsAccount, AwsAccountDeps, CallerIdentity, HostedZone } from './aws/aws-account.ts';
import type { AwsClientConfig } from './aws/client-options.ts';
import { judgeCredentials } from './conditions/account-conditions.ts';
import { type DnsOptions, openDnsSession } from './conditions/dns-session.ts';
import { type ChainTree, type Link, nameCauses, type SeenLink } from './conditions/condition.ts';
import type { EndpointProbe } from './conditions/endpoint-condition.ts';
import { judgeName, type NameDeps } from './conditions/name-conditions.ts';
import type { ZoneView } from './conditions/record-condition.ts';
import { describeMissingZone, judgeZone, listZonesFor, type ZoneDeps } from './conditions/zone-conditions.ts';
import { matchZones } from './conditions/zone-matching.ts';
import type { CredentialSource } from './credentials/aws-credentials.ts';
import type { WantedName } from './wanted-name.ts';

export interface DnsCheckInput {
  readonly source: CredentialSource;
  readonly names: readonly WantedName[];
  readonly way?: AwsClientConfig | undefined;
  readonly dns?: DnsOptions | undefined;
  /** How endpoints are asked. Default: not at all. */
  readonly endpoint?: EndpointProbe | undefined;
  /** Proves the permission to change a zone by a change. Default: what can be known without writing. */
  readonly proveChange?: ((zone: HostedZone, account: AwsAccount) => Promise<SeenLink>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DnsCheckDeps extends AwsAccountDeps {
  readonly host: Pick<Host, 'resolveDns' | 'request'>;
  readonly clock: Clock;
}

/** What `checkIngressDns` saw. */
export interface DnsReport {
  /** Every link is `ok`. */
  readonly healthy: boolean;
  /** The first broken link of each chain, the gravest first. */
  readonly causes: readonly Link[];
  /** Every link, in the order in which they were judged. */
  readonly links: readonly Link[];
  readonly identity: CallerIdentity | undefined;
  /** Requests that AWS was asked. */
  readonly requestCount: number;
}

const NAMES_AT_ONCE = 16;
const ZONES_AT_ONCE = 4;

/**
 * Judges the chain from AWS credentials to endpoints that answer by name, link by link, each with evidence. Changes nothing.
 *
 * Asks AWS once for the zones, then once for each zone that is concerned, however many names there are. What it does not
 * know without writing: see {@link DnsCheckInput.proveChange}.
 */
export async function checkIngressDns(input: DnsCheckInput, deps: DnsCheckDeps): Promise<DnsReport> {
  const { signal, endpoint } = input;
  const { links, account, identity, requestCount } = await judgeCredentials(
    input.source,
    input.way ?? {},
    deps,
    signal,
  );
  const nameDeps = {
    dns: openDnsSession(input.dns ?? {}, { host: deps.host, signal }),
    host: deps.host,
    endpoint,
    signal,
  };
  try {
    const { links: further, branches } = await judgeZones(input, account, nameDeps);
    return report({ links: [...links, ...further], branches }, identity, requestCount + (account?.requestCount ?? 0));
  } finally {
    account?.close();
  }
}

async function judgeZones(input: DnsCheckInput, account: AwsAccount | undefined, deps: NameDeps): Promise<ChainTree> {
  const { names, signal, proveChange } = input;
  const listing =
    account === undefined || names.length === 0
      ? undefined
      : await listZonesFor(
          names.map(({ name }) => name),
          account,
          signal,
        );
  const links = listing === undefined ? [] : [listing.link];
  const unseen: ZoneView = { zone: undefined, records: undefined };
  if (account === undefined || listing?.zones === undefined) {
    return { links, branches: await judgeNames(names, unseen, deps) };
  }
  const { zones } = listing;
  const zoneDeps: ZoneDeps = {
    ...deps,
    account,
    ...(proveChange === undefined ? {} : { proveChange: (zone: HostedZone) => proveChange(zone, account) }),
  };
  const groups = Map.groupBy(names, ({ name }) => matchZones(name, zones).zones[0]?.name ?? `no zone for ${name}`);
  const branches = await mapConcurrent([...groups.values()], ZONES_AT_ONCE, async (group): Promise<ChainTree> => {
    const [first] = group;
    const match = matchZones(first?.name ?? '', zones);
    if (match.zones.length === 0) {
      const missing = describeMissingZone(first?.name ?? '', match);
      return { links: [missing], branches: await judgeNames(group, unseen, deps) };
    }
    const judged = await judgeZone(match.zones, zoneDeps);
    return { links: judged.links, branches: await judgeNames(group, judged, deps) };
  });
  return { links, branches };
}

async function judgeNames(names: readonly WantedName[], view: ZoneView, deps: NameDeps): Promise<readonly ChainTree[]> {
  return mapConcurrent(names, NAMES_AT_ONCE, async (name) => ({
    links: await judgeName(name, view, deps),
    branches: [],
  }));
}

function report(tree: ChainTree, identity: CallerIdentity | undefined, requestCount: number): DnsReport {
  const links = nameCauses(tree);
  return {
    healthy: links.every(({ status }) => status === 'ok'),
    causes: links.filter(({ status }) => status === 'cause'),
    links,
    identity,
    requestCount,
  };
}
