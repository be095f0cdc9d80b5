import { isRecoveryError } from '@kube-rescue/errors';
import { randomBytes } from 'node:crypto';
import type { AwsAccount, HostedZone } from '../aws/aws-account.ts';
import { NEEDED_ACTIONS, smallestPolicy } from '../aws/policy.ts';
import type { DnsRecordSet } from '../aws/record-set.ts';
import { plainName } from '../aws/record-set.ts';
import { IngressDnsError } from '../errors.ts';
import { judgeDelegation } from './delegation-condition.ts';
import type { DnsSession } from './dns-session.ts';
import { broken, good, type SeenLink, unknown } from './condition.ts';
import { suffixesOf, type ZoneMatch } from './zone-matching.ts';

/** The zones of an account as far as they are of interest. */
export interface ZoneListing {
  readonly link: SeenLink;
  /** `undefined` when they cannot be listed. */
  readonly zones: readonly HostedZone[] | undefined;
}

const LIST_SUBJECT = 'hosted zones';

/** Lists the zones; one by one by their names where the credentials may do nothing more. */
export async function listZonesFor(
  names: readonly string[],
  account: AwsAccount,
  signal?: AbortSignal,
): Promise<ZoneListing> {
  try {
    const zones = await account.listZones(signal);
    return { zones, link: good('list', LIST_SUBJECT, `they can be listed`, [`${zones.length} in the account`]) };
  } catch (error) {
    if (!isRecoveryError(error, 'DNS_ACCESS_DENIED')) return refused(error, account);
  }
  try {
    const found = new Map<string, HostedZone>();
    for (const name of new Set(names.flatMap(suffixesOf))) {
      for (const zone of await account.listZonesByName(name, signal)) found.set(zone.id, zone);
    }
    const evidence = ['route53:ListHostedZonesByName is allowed, route53:ListHostedZones is not'];
    return { zones: [...found.values()], link: good('list', LIST_SUBJECT, 'they can be listed by name', evidence) };
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
          message: 'the credentials are good, but may not list the hosted zones',
          hint: `allow it: ${smallestPolicy(NEEDED_ACTIONS, { partition })}`,
        }
      : error;
  return { zones: undefined, link: broken('list', LIST_SUBJECT, failure) };
}

/** A zone, what is in it, and the names that it keeps. */
export interface JudgedZone {
  readonly links: readonly SeenLink[];
  readonly zone: HostedZone | undefined;
  /** `undefined` when they cannot be listed. */
  readonly records: readonly DnsRecordSet[] | undefined;
}

/** Chooses the zone of a name. */
export function describeMissingZone(name: string, { privateZones }: ZoneMatch): SeenLink {
  const ids = privateZones.map(({ name: zone, id }) => `${zone} (${id}) is private`);
  if (privateZones.length > 0) {
    const failure = {
      code: 'DNS_ZONE_PRIVATE',
      message: 'the account has only a private zone for it, which nobody outside of its VPC can see',
      hint: 'make a public hosted zone and delegate it, or use the account that has it',
    } as const;
    return broken('zone', name, failure, ids);
  }
  const failure = {
    code: 'DNS_ZONE_MISSING',
    message: 'the account has no hosted zone for it',
    hint: 'check that these are credentials of the account that keeps the domain; otherwise make a hosted zone and delegate it',
  } as const;
  return broken('zone', name, failure, [`looked for ${suffixesOf(name).join(', ')}`]);
}

export interface ZoneDeps {
  readonly account: AwsAccount;
  readonly dns: DnsSession;
  readonly signal?: AbortSignal | undefined;
  /** Proves the permission to change; default: the refusal of a change that can never be made tells enough. */
  readonly proveChange?: ((zone: HostedZone) => Promise<SeenLink>) | undefined;
}

/** Judges a zone, or of several with one name the one that the world is sent to. */
export async function judgeZone(candidates: readonly HostedZone[], deps: ZoneDeps): Promise<JudgedZone> {
  const [first] = candidates;
  if (first === undefined) throw new Error('a zone is judged that nobody found');
  const listed = await Promise.all(candidates.map((zone) => listRecords(zone, deps)));
  const judged = await Promise.all(
    listed.map(async (each) => ({
      ...each,
      delegation: await judgeDelegation(each.zone.name, nameServersOf(each), deps.dns),
    })),
  );
  const chosen = judged.find(({ delegation }) => delegation.status === 'ok') ?? judged[0];
  if (chosen === undefined) throw new Error('a zone is judged that nobody found');
  const { zone, records, failure, delegation } = chosen;
  const others = candidates
    .filter((each) => each !== zone)
    .map(({ id }) => `${id} has the same name; the world is not sent there`);
  const found = good('zone', zone.name, 'it is in the account', [`hosted zone ${zone.id}`, ...others]);
  const list = failure === undefined ? [] : [failure];
  const change = await judgeChange(zone, deps);
  return { links: [found, ...list, change, delegation], zone, records };
}

interface ListedZone {
  readonly zone: HostedZone;
  readonly records: readonly DnsRecordSet[] | undefined;
  readonly failure: SeenLink | undefined;
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
 * IAM is asked before the change is looked at, so the refusal to delete a record that nobody ever made tells whether
 * changes are allowed. Nothing can come of such a change.
 */
async function judgeChange(zone: HostedZone, { account, signal, proveChange }: ZoneDeps): Promise<SeenLink> {
  if (proveChange !== undefined) return proveChange(zone);
  const name = `_kube-rescue-${randomBytes(8).toString('hex')}.${zone.name}`;
  const record = { name, type: 'TXT', ttl: 60, values: ['"never made"'] };
  try {
    await account.changeRecords(zone.id, [{ action: 'DELETE', record }], signal);
    return unknown('change', zone.name, 'AWS accepted a change that cannot be made');
  } catch (error) {
    if (!(error instanceof IngressDnsError)) throw error;
    if (error.code === 'DNS_CHANGE_INVALID') {
      const evidence = ['the deletion of a record that never was is refused as impossible, not as forbidden'];
      return good('change', zone.name, 'its records may be changed, as far as can be known without writing', evidence);
    }
    return describeRefusedChange(zone, error, account);
  }
}

export function describeRefusedChange(
  zone: HostedZone,
  error: IngressDnsError,
  { partition }: Pick<AwsAccount, 'partition'>,
): SeenLink {
  if (error.code !== 'DNS_ACCESS_DENIED') return broken('change', zone.name, error);
  const failure = {
    code: 'DNS_CHANGE_DENIED',
    message: 'the credentials are good, but may not change its records',
    hint: `allow it: ${smallestPolicy(['route53:ChangeResourceRecordSets'], { zoneId: zone.id, partition })}; a policy with conditions on names or types is proved with --write-test only`,
  } as const;
  return broken('change', zone.name, failure, [`hosted zone ${zone.id}`]);
}

function describe({ message, hint }: IngressDnsError): Pick<IngressDnsError, 'message' | 'hint'> {
  return { message, hint };
}
