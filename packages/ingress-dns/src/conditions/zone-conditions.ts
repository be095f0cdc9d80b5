import { isRecoveryError } from '@kube-rescue/errors';
import { randomBytes } from 'node:crypto';
import type { AwsAccount, HostedZone } from '../aws/aws-account.ts';
import { NEEDED_ACTIONS, smallestPolicy } from '../aws/policy.ts';
import type { DnsRecordSet } from '../aws/record-set.ts';
import { plainName } from '../aws/record-set.ts';
import { IngressDnsError } from '../errors.ts';
import { judgeDelegation } from './delegation-condition.ts';
import type { DnsSession } from './dns-session.ts';
import { broken, good, type JudgedCondition, unknown } from './condition.ts';
import { suffixesOf, type ZoneMatch } from './zone-matching.ts';

/** The zones of an account that may hold the wanted names. */
export interface ZoneListing {
  readonly condition: JudgedCondition;
  /** `undefined` when they cannot be listed. */
  readonly zones: readonly HostedZone[] | undefined;
}

const LIST_SUBJECT = 'hosted zones';

/** Lists the zones; falls back to lookups by name when listing is denied. */
export async function listZonesFor(
  names: readonly string[],
  account: AwsAccount,
  signal?: AbortSignal,
): Promise<ZoneListing> {
  try {
    const zones = await account.listZones(signal);
    return { zones, condition: good('list', LIST_SUBJECT, 'can be listed', [`${zones.length} in the account`]) };
  } catch (error) {
    if (!isRecoveryError(error, 'DNS_ACCESS_DENIED')) return refused(error, account);
  }
  try {
    const found = new Map<string, HostedZone>();
    for (const name of new Set(names.flatMap(suffixesOf))) {
      for (const zone of await account.listZonesByName(name, signal)) found.set(zone.id, zone);
    }
    const evidence = ['route53:ListHostedZonesByName is allowed, route53:ListHostedZones is not'];
    return { zones: [...found.values()], condition: good('list', LIST_SUBJECT, 'can be listed by name', evidence) };
  } catch (error) {
    return refused(error, account);
  }
}

function refused(error: unknown, { partition }: Pick<AwsAccount, 'partition'>): ZoneListing {
  if (!(error instanceof IngressDnsError)) throw error;
  const failure =
    error.code === 'DNS_ACCESS_DENIED'
      ? {
          code: 'DNS_LIST_DENIED' as const,
          message: 'the credentials are valid, but not allowed to list hosted zones',
          hint: `attach this policy: ${smallestPolicy(NEEDED_ACTIONS, { partition })}`,
        }
      : error;
  return { zones: undefined, condition: broken('list', LIST_SUBJECT, failure) };
}

/** A zone, its records and its conditions. */
export interface JudgedZone {
  readonly conditions: readonly JudgedCondition[];
  readonly zone: HostedZone | undefined;
  /** `undefined` when they cannot be listed. */
  readonly records: readonly DnsRecordSet[] | undefined;
}

/** The condition of a name without a public zone. */
export function describeMissingZone(name: string, { privateZones }: ZoneMatch): JudgedCondition {
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
  readonly signal?: AbortSignal | undefined;
  /** Proves the permission to change records. Default: an impossible change, whose rejection shows the permission. */
  readonly proveChange?: ((zone: HostedZone) => Promise<JudgedCondition>) | undefined;
}

/** Checks a zone; of several zones with one name, the delegated one. */
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
  const chosen = judged.find(({ delegation }) => delegation.status === 'ok') ?? judged[0];
  if (chosen === undefined) throw new Error('judgeZone needs at least one zone');
  const { zone, records, failure, delegation } = chosen;
  const others = candidates
    .filter((each) => each !== zone)
    .map(({ id }) => `${id} has the same name, but is not delegated`);
  const found = good('zone', zone.name, 'the zone is in the account', [`hosted zone ${zone.id}`, ...others]);
  const list = failure === undefined ? [] : [failure];
  const change = await judgeChange(zone, deps);
  return { conditions: [found, ...list, change, delegation], zone, records };
}

interface ListedZone {
  readonly zone: HostedZone;
  readonly records: readonly DnsRecordSet[] | undefined;
  readonly failure: JudgedCondition | undefined;
}

async function listRecords(zone: HostedZone, { account, signal }: ZoneDeps): Promise<ListedZone> {
  try {
    return { zone, records: await account.listRecords(zone.id, signal), failure: undefined };
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
