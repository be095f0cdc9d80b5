import { randomBytes } from 'node:crypto';
import type { AwsAccount, HostedZone } from '../aws/aws-account.ts';
import { smallestPolicy } from '../aws/policy.ts';
import type { DnsRecordSet } from '../aws/record-set.ts';
import { plainName } from '../aws/record-set.ts';
import type { NamedZones } from '../credentials/named-zones.ts';
import { IngressDnsError } from '../errors.ts';
import { judgeDelegation } from './delegation-condition.ts';
import type { DnsSession } from './dns-session.ts';
import { broken, good, type JudgedCondition, unknown } from './condition.ts';
import type { ZoneView } from './record-condition.ts';
import { suffixesOf, type ZoneMatch } from './zone-matching.ts';

/** A zone, its records and its conditions. */
export interface JudgedZone {
  readonly conditions: readonly JudgedCondition[];
  readonly zone: HostedZone | undefined;
  /** `undefined` when they cannot be listed. */
  readonly records: readonly DnsRecordSet[] | undefined;
  /** Public zones of the same name that resolvers do not ask; empty unless the delegation of `zone` is right. */
  readonly twins: readonly ZoneView[];
}

/**
 * The condition of a name without a public zone.
 * @param isPartial only the zones that the workload names by id are known
 */
export function describeMissingZone(name: string, { privateZones }: ZoneMatch, isPartial: boolean): JudgedCondition {
  if (isPartial) {
    const looked = `looked for ${suffixesOf(name).join(', ')}`;
    return unknown('zone', name, 'no hosted zone that is named by its id holds this name; others cannot be listed', [
      looked,
    ]);
  }
  const ids = privateZones.map(({ name: zone, id }) => `${zone} (${id}) is private`);
  if (privateZones.length > 0) {
    const failure = {
      code: 'DNS_ZONE_PRIVATE',
      message: 'the account has only a private hosted zone for this name, which is visible in its VPC only',
      hint: 'create a public hosted zone and delegate to it, or use credentials of the account that has one',
    } as const;
    return broken('zone', name, failure, ids);
  }
  const failure = {
    code: 'DNS_ZONE_MISSING',
    message: 'the account has no hosted zone for this name',
    hint: 'check that the credentials belong to the account of the domain; otherwise create a hosted zone and delegate to it',
  } as const;
  return broken('zone', name, failure, [`looked for ${suffixesOf(name).join(', ')}`]);
}

export interface ZoneDeps {
  readonly account: AwsAccount;
  readonly dns: DnsSession;
  /** Zones that the workload names by id. */
  readonly named?: NamedZones | undefined;
  /** Records that have been read already, by the id of their zone. */
  readonly known?: ReadonlyMap<string, readonly DnsRecordSet[]> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Proves the permission to change records. Default: an impossible change, whose rejection shows the permission. */
  readonly proveChange?: ((zone: HostedZone) => Promise<JudgedCondition>) | undefined;
}

/** Checks a zone; of several zones with one name, the one that the workload names by id, otherwise the delegated one. */
export async function judgeZone(candidates: readonly HostedZone[], deps: ZoneDeps): Promise<JudgedZone> {
  const [first] = candidates;
  if (first === undefined) throw new Error('judgeZone needs at least one zone');
  const listed = await Promise.all(candidates.map((zone) => listRecords(zone, deps)));
  const judged = await Promise.all(
    listed.map(async (each) => ({
      ...each,
      delegation: await judgeDelegation(each.zone.name, nameServersOf(each), deps.dns),
    })),
  );
  const written = judged.filter(({ zone: { id } }) => deps.named?.ids.includes(id) === true);
  const delegated = judged.find(({ delegation }) => delegation.status === 'ok');
  const chosen = written.find((each) => each === delegated) ?? written[0] ?? delegated ?? judged[0];
  if (chosen === undefined) throw new Error('judgeZone needs at least one zone');
  const { zone, records, failure } = chosen;
  const others = judged.filter((each) => each !== chosen);
  const evidence = [
    `hosted zone ${zone.id}${written.includes(chosen) ? `, named by ${deps.named?.by}` : ''}`,
    ...others.map((each) => `${each.zone.id} has the same name${each === delegated ? '' : ', but is not delegated'}`),
  ];
  const found = good('zone', zone.name, 'the zone is in the account', evidence);
  const list = failure === undefined ? [] : [failure];
  const change = await judgeChange(zone, deps);
  const delegation =
    delegated === undefined || delegated === chosen
      ? chosen.delegation
      : { ...chosen.delegation, ...describeOtherZone(delegated.zone, zone, deps.named) };
  return {
    conditions: [found, ...list, change, delegation],
    zone,
    records,
    twins: chosen === delegated ? others : [],
  };
}

/** The delegation leads to another zone of this name than the one that the workload names. */
function describeOtherZone(
  asked: HostedZone,
  { id, name }: HostedZone,
  named: NamedZones | undefined,
): Pick<JudgedCondition, 'summary' | 'hint'> {
  const by = named?.by ?? 'the workload';
  return {
    summary: `there are several public hosted zones named ${name}: resolvers ask ${asked.id}, but ${by} names ${id}`,
    hint: `let ${by} name ${asked.id}, or delegate to the name servers of ${id} in the parent zone`,
  };
}

interface ListedZone {
  readonly zone: HostedZone;
  readonly records: readonly DnsRecordSet[] | undefined;
  readonly failure: JudgedCondition | undefined;
}

async function listRecords(zone: HostedZone, { account, known, signal }: ZoneDeps): Promise<ListedZone> {
  try {
    const records = known?.get(zone.id) ?? (await account.listRecords(zone.id, signal));
    return { zone, records, failure: undefined };
  } catch (error) {
    if (!(error instanceof IngressDnsError)) throw error;
    const code = error.code === 'DNS_ACCESS_DENIED' ? 'DNS_LIST_DENIED' : error.code;
    return { zone, records: undefined, failure: broken('list', zone.name, { ...describe(error), code }) };
  }
}

function nameServersOf({ zone, records }: ListedZone): readonly string[] {
  const apex = records?.find(({ name, type }) => name === zone.name && type === 'NS');
  return apex?.values.map(plainName) ?? [];
}

/**
 * Route 53 checks IAM before it checks the change, so the rejected deletion of a record that never existed shows whether
 * changes are allowed. The change has no effect.
 */
async function judgeChange(zone: HostedZone, { account, signal, proveChange }: ZoneDeps): Promise<JudgedCondition> {
  if (proveChange !== undefined) return proveChange(zone);
  const name = `_kube-rescue-${randomBytes(8).toString('hex')}.${zone.name}`;
  const record = { name, type: 'TXT', ttl: 60, values: ['"never created"'] };
  try {
    await account.changeRecords(zone.id, [{ action: 'DELETE', record }], signal);
    return unknown('change', zone.name, 'AWS accepted the deletion of a record that never existed');
  } catch (error) {
    if (!(error instanceof IngressDnsError)) throw error;
    if (error.code === 'DNS_CHANGE_INVALID') {
      const evidence = ['AWS rejects the deletion of a record that never existed as invalid, not as forbidden'];
      return good(
        'change',
        zone.name,
        'the records may be changed, as far as can be checked without a change',
        evidence,
      );
    }
    return describeRefusedChange(zone, error, account);
  }
}

export function describeRefusedChange(
  zone: HostedZone,
  error: IngressDnsError,
  { partition }: Pick<AwsAccount, 'partition'>,
): JudgedCondition {
  if (error.code !== 'DNS_ACCESS_DENIED') return broken('change', zone.name, error);
  const failure = {
    code: 'DNS_CHANGE_DENIED',
    message: 'the credentials are valid, but not allowed to change records of the zone',
    hint: `attach this policy: ${smallestPolicy(['route53:ChangeResourceRecordSets'], { zoneId: zone.id, partition })}; only --write-test proves a policy with conditions on names or types`,
  } as const;
  return broken('change', zone.name, failure, [`hosted zone ${zone.id}`]);
}

function describe({ message, hint }: IngressDnsError): Pick<IngressDnsError, 'message' | 'hint'> {
  return { message, hint };
}
