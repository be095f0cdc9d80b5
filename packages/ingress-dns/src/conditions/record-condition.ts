import type { HostedZone } from '../aws/aws-account.ts';
import { type DnsRecordSet, plainName } from '../aws/record-set.ts';
import type { WantedName } from '../wanted-name.ts';
import { addressesIn, type DnsSession } from './dns-session.ts';
import { broken, good, type SeenLink, unknown } from './condition.ts';

/** What is known of the zone of a name. */
export interface ZoneView {
  readonly zone: HostedZone | undefined;
  readonly records: readonly DnsRecordSet[] | undefined;
}

const ADDRESS_TYPES: readonly string[] = ['A', 'AAAA', 'CNAME'];

/** The records that answer for a name: its own, otherwise those of the nearest wildcard. */
export function findRecords(name: string, records: readonly DnsRecordSet[]): readonly DnsRecordSet[] {
  const labels = name.split('.');
  const names = [name, ...labels.slice(1).map((_, index) => ['*', ...labels.slice(index + 1)].join('.'))];
  for (const each of names) {
    const found = records.filter((record) => record.name === each && ADDRESS_TYPES.includes(record.type));
    if (found.length > 0) return found;
  }
  return [];
}

/** Whether the zone holds what is wanted. */
export async function judgeRecord(
  wanted: WantedName,
  { zone, records }: ZoneView,
  held: readonly DnsRecordSet[],
  dns: DnsSession,
): Promise<SeenLink> {
  const { name, targets, origin } = wanted;
  if (zone === undefined || records === undefined)
    return unknown('record', name, 'the records of its zone are not known');
  const evidence = held.map(describeRecord);
  const wants = targets.length === 0 ? [] : [`${origin} wants ${targets.join(', ')}`];
  if (held.length === 0) {
    const failure = {
      code: 'DNS_RECORD_MISSING',
      message: 'its zone has no record for it',
      hint: "look into the ingress controller's log; with good credentials it makes the record, or make it by hand",
    } as const;
    return broken('record', name, failure, [`hosted zone ${zone.id}`, ...wants]);
  }
  if (targets.length === 0 || (await leadsTo(held, targets, dns))) {
    return good('record', name, 'its zone has a record for it', [...evidence, ...wants]);
  }
  const failure = {
    code: 'DNS_RECORD_WRONG',
    message: 'its record leads elsewhere',
    hint: "look into the ingress controller's log and at who owns the record (TXT records beside it); otherwise change it by hand",
  } as const;
  return broken('record', name, failure, [...evidence, ...wants]);
}

/** Names are compared as names, and by their addresses where one side has only those. */
async function leadsTo(held: readonly DnsRecordSet[], targets: readonly string[], dns: DnsSession): Promise<boolean> {
  const wanted = new Set(targets.map((target) => withoutDualstack(plainName(target))));
  const values = held.flatMap(({ values: own, aliasTarget }) => (aliasTarget === undefined ? own : [aliasTarget]));
  const names = values.map((value) => withoutDualstack(plainName(value)));
  if (names.some((name) => wanted.has(name))) return true;
  const isMixed = names.every(isAddress) !== [...wanted].every(isAddress);
  if (!isMixed) return false;
  const addresses = async (some: Iterable<string>): Promise<readonly string[]> => {
    const resolved = await Promise.all(
      [...some].map(async (name) => (isAddress(name) ? [name] : addressesIn(await dns.resolve(name, 'A')))),
    );
    return resolved.flat();
  };
  const [left, right] = [await addresses(names), await addresses(wanted)];
  return left.some((address) => right.includes(address));
}

function describeRecord({ name, type, ttl, values, aliasTarget }: DnsRecordSet): string {
  return aliasTarget === undefined
    ? `${name} ${ttl} ${type} ${values.join(' ')}`
    : `${name} ${type} alias of ${aliasTarget}`;
}

/** Whether this is an IP address and not a name. */
export function isAddress(text: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(text) || text.includes(':');
}

function withoutDualstack(name: string): string {
  return name.replace(/^dualstack\./, '');
}
