import type { HostedZone } from '../aws/aws-account.ts';
import { type DnsRecordSet, plainName } from '../aws/record-set.ts';
import { addressesIn, type DnsSession } from './dns-session.ts';
import { broken, good, type JudgedCondition, unknown } from './condition.ts';

/** A host name that should resolve to the ingress. */
export interface WantedName {
  /** In lower case, without its last dot; may begin with `*.`. */
  readonly name: string;
  /** Wanted addresses or names; empty accepts any record. */
  readonly targets: readonly string[];
  /** The source of the name: `the caller`, `Ingress shop/web`. */
  readonly origin: string;
}

/** The zone of a name, as far as it could be read. */
export interface ZoneView {
  readonly zone: HostedZone | undefined;
  readonly records: readonly DnsRecordSet[] | undefined;
  /** Public zones of the same name that resolvers do not ask. */
  readonly twins?: readonly ZoneView[] | undefined;
}

const ADDRESS_TYPES: readonly string[] = ['A', 'AAAA', 'CNAME'];

/** The records of a name; without own records, those of the nearest wildcard. */
export function findRecords(name: string, records: readonly DnsRecordSet[]): readonly DnsRecordSet[] {
  const labels = name.split('.');
  const names = [name, ...labels.slice(1).map((_, index) => ['*', ...labels.slice(index + 1)].join('.'))];
  for (const each of names) {
    const found = records.filter((record) => record.name === each && ADDRESS_TYPES.includes(record.type));
    if (found.length > 0) return found;
  }
  return [];
}

/** Checks that the zone holds the wanted record. */
export async function judgeRecord(
  wanted: WantedName,
  { zone, records, twins = [] }: ZoneView,
  held: readonly DnsRecordSet[],
  dns: DnsSession,
): Promise<JudgedCondition> {
  const { name, targets, origin } = wanted;
  if (zone === undefined || records === undefined)
    return unknown('record', name, 'the records of the zone are unknown');
  const evidence = held.map(describeRecord);
  const wants = targets.length === 0 ? [] : [`${origin} wants ${targets.join(', ')}`];
  if (held.length === 0) {
    const failure = {
      code: 'DNS_RECORD_MISSING',
      message: 'the zone has no record for this name',
      hint: 'check the log of the ingress controller, which creates the record when its credentials work; or create the record by hand',
      ...(await describeTwin(wanted, zone, twins, dns)),
    } as const;
    return broken('record', name, failure, [`hosted zone ${zone.id}`, ...wants]);
  }
  if (targets.length === 0 || (await leadsTo(held, targets, dns))) {
    return good('record', name, 'the zone has a record for this name', [...evidence, ...wants]);
  }
  const failure = {
    code: 'DNS_RECORD_WRONG',
    message: 'the record has another target',
    hint: 'check the log of the ingress controller and the owner of the record (its TXT record); or change the record by hand',
    ...(await describeTwin(wanted, zone, twins, dns)),
  } as const;
  return broken('record', name, failure, [...evidence, ...wants]);
}

/** Another zone of the same name that holds the wanted record; `undefined` when none does. */
async function describeTwin(
  { name, targets }: WantedName,
  asked: HostedZone,
  twins: readonly ZoneView[],
  dns: DnsSession,
): Promise<{ readonly message: string; readonly hint: string } | undefined> {
  for (const { zone, records = [] } of twins) {
    const held = findRecords(name, records);
    if (zone === undefined || held.length === 0) continue;
    if (targets.length > 0 && !(await leadsTo(held, targets, dns))) continue;
    const count = twins.length === 1 ? 'two' : `${twins.length + 1}`;
    return {
      message: `there are ${count} public hosted zones named ${asked.name}: resolvers ask ${asked.id}, the record is in ${zone.id}`,
      hint: `let the controller name ${asked.id} (external-dns: --zone-id-filter, Traefik: AWS_HOSTED_ZONE_ID, cert-manager: hostedZoneID)`,
    };
  }
  return undefined;
}

/** Compares names as names, and by address where one side has addresses only. */
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
