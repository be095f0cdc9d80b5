import type { DnsAnswer } from '@kube-rescue/host';
import type { DnsSession } from './dns-session.ts';
import { broken, good, type JudgedCondition, unknown } from './condition.ts';

/** The name servers of a zone according to one server. */
interface Delegation {
  readonly names: readonly string[];
  readonly from: string;
}

const ROOT = '.';
const PARENT_SERVERS_ASKED = 3;

/**
 * Compares the name servers in the parent zone with those in the zone itself.
 *
 * @param own the zone's own NS records; empty when they could not be listed
 */
export async function judgeDelegation(zone: string, own: readonly string[], dns: DnsSession): Promise<JudgedCondition> {
  const delegated = (await readDelegation(zone, dns)) ?? (await readByResolver(zone, dns));
  if (delegated === undefined) {
    return unknown('delegation', zone, 'no name server of the parent zone answers', ['outgoing port 53 may be closed']);
  }
  const { names, from } = delegated;
  const evidence = [
    `${from} lists ${names.join(', ') || 'no servers'}`,
    `the zone lists ${own.join(', ') || 'no servers'}`,
  ];
  if (own.length === 0) return unknown('delegation', zone, "the zone's own NS records are unknown", evidence);
  const foreign = names.filter((name) => !own.includes(name));
  if (names.length > 0 && foreign.length === 0) {
    return good('delegation', zone, 'the parent zone delegates to the right name servers', evidence);
  }
  const failure = {
    code: 'DNS_DELEGATION_WRONG',
    message:
      names.length === 0
        ? 'the parent zone has no delegation'
        : foreign.length === names.length
          ? 'the parent zone delegates to other name servers'
          : `the parent zone also lists ${foreign.join(', ')}, so some resolvers ask the wrong servers`,
    hint: `set the NS records in the parent zone, or the name servers at the registrar, to ${own.join(', ')}`,
  } as const;
  return broken('delegation', zone, failure, evidence);
}

/** The delegation as the resolver sees it, for networks where outgoing port 53 is closed. */
async function readByResolver(zone: string, dns: DnsSession): Promise<Delegation | undefined> {
  const names = nameServersIn(await dns.resolve(zone, 'NS'), zone);
  return names.length === 0 ? undefined : { names, from: 'the resolver' };
}

/** The delegation from the name servers of the nearest parent zone, not from a resolver cache. */
async function readDelegation(zone: string, dns: DnsSession): Promise<Delegation | undefined> {
  const labels = zone.split('.');
  for (let index = 1; index <= labels.length; index += 1) {
    const parent = labels.slice(index).join('.') || ROOT;
    const servers = nameServersIn(await dns.resolve(parent, 'NS'), parent);
    for (const server of servers.slice(0, PARENT_SERVERS_ASKED)) {
      const answer = await dns.askServer(server, zone, 'NS');
      if (answer === undefined || answer.status === 'other') continue;
      return { names: nameServersIn(answer, zone), from: server };
    }
    // A parent name that is not a zone has no servers: ask one level up.
    if (servers.length > 0) return undefined;
  }
  return undefined;
}

function nameServersIn(answer: DnsAnswer | undefined, zone: string): readonly string[] {
  const owner = zone === ROOT ? '' : zone;
  const records = [...(answer?.records ?? []), ...(answer?.authoritySection ?? [])];
  return records
    .filter(({ name, type }) => type === 'NS' && name === owner)
    .map(({ value }) => value)
    .toSorted();
}
