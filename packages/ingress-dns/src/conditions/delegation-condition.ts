import type { DnsAnswer } from '@kube-rescue/host';
import type { DnsSession } from './dns-session.ts';
import { broken, good, type SeenLink, unknown } from './condition.ts';

/** Who is named as a zone's servers, and who says so. */
interface Delegation {
  readonly names: readonly string[];
  readonly from: string;
}

const ROOT = '.';
const PARENT_SERVERS_ASKED = 3;

/**
 * Compares whom the parent names as a zone's servers with whom the zone itself names.
 *
 * @param own the zone's own NS records; empty when nobody could list them
 */
export async function judgeDelegation(zone: string, own: readonly string[], dns: DnsSession): Promise<SeenLink> {
  const delegated = (await readDelegation(zone, dns)) ?? (await readByResolver(zone, dns));
  if (delegated === undefined) {
    return unknown('delegation', zone, 'no server of the parent zone answers', [
      'port 53 may be closed on the way out',
    ]);
  }
  const { names, from } = delegated;
  const evidence = [`${from} names ${names.join(', ') || 'nobody'}`, `the zone names ${own.join(', ') || 'nobody'}`];
  if (own.length === 0) return unknown('delegation', zone, "the zone's own name servers are not known", evidence);
  const foreign = names.filter((name) => !own.includes(name));
  if (names.length > 0 && foreign.length === 0) {
    return good('delegation', zone, "the parent sends the world to the zone's name servers", evidence);
  }
  const failure = {
    code: 'DNS_DELEGATION_WRONG',
    message:
      names.length === 0
        ? 'the parent zone does not delegate it'
        : foreign.length === names.length
          ? 'the parent zone sends the world to other name servers'
          : `the parent zone also names ${foreign.join(', ')}, so some resolvers go elsewhere`,
    hint: `set its NS records in the parent zone, or the name servers at the registrar, to ${own.join(', ')}`,
  } as const;
  return broken('delegation', zone, failure, evidence);
}

/** Where port 53 is closed on the way out, the resolver's word has to do. */
async function readByResolver(zone: string, dns: DnsSession): Promise<Delegation | undefined> {
  const names = nameServersIn(await dns.resolve(zone, 'NS'), zone);
  return names.length === 0 ? undefined : { names, from: 'the resolver' };
}

/** What the nearest parent that answers says; its name servers, not a resolver's memory. */
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
    // A name above that is no zone of its own is asked about further up.
    if (servers.length > 0) return undefined;
  }
  return undefined;
}

function nameServersIn(answer: DnsAnswer | undefined, zone: string): readonly string[] {
  const owner = zone === ROOT ? '' : zone;
  const records = [...(answer?.records ?? []), ...(answer?.ca ?? [])];
  return records
    .filter(({ name, type }) => type === 'NS' && name === owner)
    .map(({ value }) => value)
    .toSorted();
}
