import { isRecoveryError } from '@kube-rescue/errors';
import type { AwsAccount, HostedZone } from '../aws/aws-account.ts';
import { NEEDED_ACTIONS, NEEDED_IN_ZONE, smallestPolicy } from '../aws/policy.ts';
import type { DnsRecordSet } from '../aws/record-set.ts';
import type { NamedZones } from '../credentials/named-zones.ts';
import { IngressDnsError } from '../errors.ts';
import { broken, good, type JudgedCondition } from './condition.ts';
import { suffixesOf } from './zone-matching.ts';

/** The zones of an account that may hold the wanted names. */
export interface ZoneListing {
  readonly condition: JudgedCondition;
  /** `undefined` when they cannot be listed. */
  readonly zones: readonly HostedZone[] | undefined;
  /** Other zones of the account may hold the names as well. */
  readonly isPartial?: boolean;
  /** The records of zones that were read by id. */
  readonly records?: ReadonlyMap<string, readonly DnsRecordSet[]>;
}

const LIST_SUBJECT = 'hosted zones';

/**
 * Lists the zones. When listing is denied, reads the zones that the workload names by id, which needs no listing;
 * without such zones falls back to lookups by name.
 *
 * @param names wanted host names; without any, the zones alone are of interest
 */
export async function listZonesFor(
  names: readonly string[],
  named: NamedZones | undefined,
  account: AwsAccount,
  signal?: AbortSignal,
): Promise<ZoneListing> {
  const byId = named === undefined || named.areListed ? undefined : named;
  let denial: unknown;
  try {
    const zones = await account.listZones(signal);
    if (byId?.ids.every((id) => zones.some((zone) => zone.id === id)) === false) {
      return await readNamedZones(byId, account, signal);
    }
    return { zones, condition: good('list', LIST_SUBJECT, 'can be listed', [`${zones.length} in the account`]) };
  } catch (error) {
    if (!isRecoveryError(error, 'DNS_ACCESS_DENIED')) return refused(error, account);
    denial = error;
  }
  if (byId !== undefined) return readNamedZones(byId, account, signal);
  // Without a name there is nothing to look up.
  if (names.length === 0) return refused(denial, account);
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

/** A zone has its name in its SOA record, so the permission to list its records suffices. */
async function readNamedZones(
  { ids, by }: NamedZones,
  account: AwsAccount,
  signal: AbortSignal | undefined,
): Promise<ZoneListing> {
  const zones: HostedZone[] = [];
  const records = new Map<string, readonly DnsRecordSet[]>();
  for (const id of ids) {
    try {
      const held = await account.listRecords(id, signal);
      const name = held.find(({ type }) => type === 'SOA')?.name;
      // Whether the zone is private is not in its records: its delegation tells.
      if (name !== undefined) zones.push({ id, name, isPrivate: false });
      records.set(id, held);
    } catch (error) {
      return refusedZone(error, id, by, account);
    }
  }
  const evidence = zones.map(({ id, name }) => `${by} names hosted zone ${id} (${name})`);
  return { zones, records, isPartial: true, condition: good('list', LIST_SUBJECT, 'can be read by id', evidence) };
}

function refusedZone(
  error: unknown,
  zoneId: string,
  by: string,
  { partition }: Pick<AwsAccount, 'partition'>,
): ZoneListing {
  if (!(error instanceof IngressDnsError)) throw error;
  const subject = `hosted zone ${zoneId}`;
  if (error.code === 'DNS_ZONE_MISSING') {
    const failure = {
      code: error.code,
      message: `${by} names a hosted zone that the account does not have`,
      hint: `check the id in ${by} and the account of the credentials`,
    };
    return { zones: undefined, condition: broken('zone', subject, failure) };
  }
  const failure =
    error.code === 'DNS_ACCESS_DENIED'
      ? {
          code: 'DNS_LIST_DENIED' as const,
          message: 'the credentials are valid, but not allowed to list the records of the zone',
          hint: `attach this policy: ${smallestPolicy(NEEDED_IN_ZONE, { zoneId, partition })}`,
        }
      : error;
  return { zones: undefined, condition: broken('list', subject, failure, [`named by ${by}`]) };
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
