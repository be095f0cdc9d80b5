import type { Clock, Host } from '@kube-rescue/host';
import { mapConcurrent } from '@kube-rescue/workflow';
import type { AwsAccount, AwsAccountDeps, CallerIdentity, HostedZone } from './aws/aws-account.ts';
import type { AwsClientConfig } from './aws/client-options.ts';
import { judgeCredentials } from './conditions/account-conditions.ts';
import { type DnsOptions, openDnsSession } from './conditions/dns-session.ts';
import { type ConditionTree, type Condition, nameCauses, type JudgedCondition } from './conditions/condition.ts';
import { judgeWebIdentity } from './conditions/web-identity-conditions.ts';
import type { EndpointProbe } from './conditions/endpoint-condition.ts';
import { judgeName, type NameDeps } from './conditions/name-conditions.ts';
import type { ZoneView } from './conditions/record-condition.ts';
import { describeMissingZone, judgeZone, type ZoneDeps } from './conditions/zone-conditions.ts';
import { listZonesFor } from './conditions/zone-listing.ts';
import { matchZones } from './conditions/zone-matching.ts';
import type { CredentialSource } from './credentials/aws-credentials.ts';
import type { WantedName } from './conditions/record-condition.ts';
import type { WebIdentityContext } from './web-identity/web-identity.ts';

export interface DnsCheckInput {
  readonly source: CredentialSource;
  /** Without any, the credentials are judged, their zones are listed, and the zones that `source` names by id are judged. */
  readonly names: readonly WantedName[];
  /** What is known of the cluster and the role, for a `source` with a web identity. Default: nothing. */
  readonly webIdentity?: WebIdentityContext | undefined;
  readonly awsClient?: AwsClientConfig | undefined;
  readonly dns?: DnsOptions | undefined;
  /** How endpoints are probed. Default: not at all. */
  readonly endpoint?: EndpointProbe | undefined;
  /** Proves the permission to change a zone by a change. Default: a probe that writes nothing. */
  readonly proveChange?: ((zone: HostedZone, account: AwsAccount) => Promise<JudgedCondition>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DnsCheckDeps extends AwsAccountDeps {
  readonly host: Pick<Host, 'resolveDns' | 'request'>;
  readonly clock: Clock;
}

/** The result of `checkIngressDns`. */
export interface DnsReport {
  /** Every condition is `ok`. */
  readonly healthy: boolean;
  /** The first broken condition of each name, the gravest first. */
  readonly causes: readonly Condition[];
  /** Every condition, in the order of the checks. */
  readonly conditions: readonly Condition[];
  readonly identity: CallerIdentity | undefined;
  /** The zones that the credentials can list, or read by id; `undefined` when they cannot. */
  readonly zones: readonly HostedZone[] | undefined;
  /** Number of requests to AWS. */
  readonly requestCount: number;
}

const NAMES_AT_ONCE = 16;
const ZONES_AT_ONCE = 4;

/**
 * Checks every condition from AWS credentials to endpoints that answer by name, each with evidence. Changes nothing.
 *
 * Lists the zones once, then each zone that holds a wanted name once, however many names there are. The permission to
 * change records is certain only with {@link DnsCheckInput.proveChange}.
 */
export async function checkIngressDns(input: DnsCheckInput, deps: DnsCheckDeps): Promise<DnsReport> {
  const { signal, endpoint } = input;
  const { source, awsClient = {} } = input;
  const { webIdentity } = source;
  const { conditions, account, identity, requestCount } = await (webIdentity === undefined
    ? judgeCredentials(source, awsClient, deps, signal)
    : judgeWebIdentity({ ...source, webIdentity }, input.webIdentity ?? {}, awsClient, deps, signal));
  const nameDeps = {
    dns: openDnsSession(input.dns ?? {}, { host: deps.host, signal }),
    host: deps.host,
    endpoint,
    signal,
  };
  try {
    const { conditions: further, branches, zones } = await judgeZones(input, account, nameDeps);
    const tree = { conditions: [...conditions, ...further], branches };
    return { ...report(tree), identity, zones, requestCount: requestCount + (account?.requestCount ?? 0) };
  } finally {
    account?.close();
  }
}

async function judgeZones(
  input: DnsCheckInput,
  account: AwsAccount | undefined,
  deps: NameDeps,
): Promise<ConditionTree & Pick<DnsReport, 'zones'>> {
  const { names, signal, proveChange } = input;
  const named = input.source.zones;
  const listing =
    account === undefined
      ? undefined
      : await listZonesFor(
          names.map(({ name }) => name),
          named,
          account,
          signal,
        );
  const conditions = listing === undefined ? [] : [listing.condition];
  const unseen: ZoneView = { zone: undefined, records: undefined };
  if (account === undefined || listing?.zones === undefined) {
    return { conditions, branches: await judgeNames(names, unseen, deps), zones: undefined };
  }
  const { zones, isPartial = false } = listing;
  const zoneDeps: ZoneDeps = {
    ...deps,
    account,
    named,
    known: listing.records,
    ...(proveChange === undefined ? {} : { proveChange: (zone: HostedZone) => proveChange(zone, account) }),
  };
  if (names.length === 0) {
    const wanted = zones.filter(({ id }) => named?.ids.includes(id) === true);
    const judge = async (zone: HostedZone): Promise<ConditionTree> => {
      return { conditions: (await judgeZone([zone], zoneDeps)).conditions, branches: [] };
    };
    return { conditions, branches: await mapConcurrent(wanted, ZONES_AT_ONCE, judge), zones };
  }
  const groups = Map.groupBy(
    names,
    ({ name }) => matchZones(name, zones, named).zones[0]?.name ?? `no zone for ${name}`,
  );
  const branches = await mapConcurrent([...groups.values()], ZONES_AT_ONCE, async (group): Promise<ConditionTree> => {
    const [first] = group;
    const match = matchZones(first?.name ?? '', zones, named);
    if (match.zones.length === 0) {
      const missing = describeMissingZone(first?.name ?? '', match, isPartial);
      return { conditions: [missing], branches: await judgeNames(group, unseen, deps) };
    }
    const judged = await judgeZone(match.zones, zoneDeps);
    return { conditions: judged.conditions, branches: await judgeNames(group, judged, deps) };
  });
  return { conditions, branches, zones };
}

async function judgeNames(
  names: readonly WantedName[],
  view: ZoneView,
  deps: NameDeps,
): Promise<readonly ConditionTree[]> {
  return mapConcurrent(names, NAMES_AT_ONCE, async (name) => ({
    conditions: await judgeName(name, view, deps),
    branches: [],
  }));
}

function report(tree: ConditionTree): Pick<DnsReport, 'healthy' | 'causes' | 'conditions'> {
  const conditions = nameCauses(tree);
  return {
    healthy: conditions.every(({ status }) => status === 'ok'),
    causes: conditions.filter(({ status }) => status === 'cause'),
    conditions,
  };
}
