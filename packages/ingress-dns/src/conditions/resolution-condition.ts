import type { DnsRecordType } from '@kube-rescue/host';
import { type DnsRecordSet, plainName } from '../aws/record-set.ts';
import type { WantedName } from '../wanted-name.ts';
import { addressesIn, type DnsSession } from './dns-session.ts';
import { broken, good, type SeenLink } from './condition.ts';
import { probedName } from './probed-name.ts';
import type { ZoneView } from './record-condition.ts';

/** Whether the zone's own servers and the resolvers tell the world what the zone holds. */
export async function judgeResolution(
  { name }: WantedName,
  { zone, records }: ZoneView,
  held: readonly DnsRecordSet[],
  dns: DnsSession,
): Promise<{ readonly link: SeenLink; readonly addresses: readonly string[] }> {
  const asked = probedName(name);
  const type: DnsRecordType = held.some((each) => each.type !== 'AAAA') || held.length === 0 ? 'A' : 'AAAA';
  const answers = await dns.resolveEverywhere(asked, type);
  const answered = answers.filter((answer) => answer !== undefined);
  const addresses = addressesIn(answered[0]);
  const told = answered.map(
    (answer) => `resolver ${answer.server} says ${addressesIn(answer).join(', ') || answer.code}`,
  );
  if (answered.length === 0) return { addresses, link: unreachable(name) };
  const servers = records?.find((each) => each.name === zone?.name && each.type === 'NS')?.values.map(plainName) ?? [];
  const own = servers[0] === undefined ? undefined : await dns.askServer(servers[0], asked, type);
  const truth = addressesIn(own);
  const evidence = own === undefined ? told : [`${servers[0]} says ${truth.join(', ') || own.code}`, ...told];
  const stored = held
    .filter((each) => each.type === type && each.aliasTarget === undefined)
    .flatMap(({ values }) => values);
  if (own?.status === 'found' && stored.length > 0 && !isSame(truth, stored)) {
    return {
      addresses,
      link: broken('resolution', name, staleServer, [`its zone holds ${stored.join(', ')}`, ...evidence]),
    };
  }
  const silent = answered.find((answer) => addressesIn(answer).length === 0);
  if (silent !== undefined && truth.length > 0 && silent.status !== 'other') {
    return { addresses, link: broken('resolution', name, staleResolver(undefined), evidence) };
  }
  if (silent !== undefined) return { addresses, link: broken('resolution', name, unresolved(silent.code), evidence) };
  // An alias of Route 53 and a CNAME that leads out of the zone may answer differently every time.
  const isFixed = stored.length > 0 && truth.length > 0;
  const stale = isFixed ? answered.find((answer) => !isSame(addressesIn(answer), truth)) : undefined;
  if (stale !== undefined) {
    const ttl = Math.max(...stale.records.map((each) => each.ttl), 0);
    return { addresses, link: broken('resolution', name, staleResolver(ttl), evidence) };
  }
  return { addresses, link: good('resolution', name, 'it resolves', evidence) };
}

const staleServer = {
  code: 'DNS_SERVER_STALE',
  message: "the zone's name servers do not answer with what the zone holds",
  hint: 'wait until the change is INSYNC, a minute at most; otherwise another zone of this name is the one that is served',
} as const;

function staleResolver(ttl: number | undefined) {
  return {
    code: 'DNS_RESOLVER_STALE',
    message: 'a resolver still gives an old answer',
    hint:
      ttl === undefined
        ? 'wait until it forgets that there was no record (the last number of the zone’s SOA record), or flush its cache'
        : `wait ${ttl} s until it forgets, or flush its cache`,
  } as const;
}

function unresolved(code: string) {
  return {
    code: 'DNS_NAME_UNRESOLVED',
    message: `it does not resolve: ${code}`,
    hint: 'put right what is broken before this link; a SERVFAIL means that the delegation leads nowhere or DNSSEC fails',
  } as const;
}

function unreachable(name: string): SeenLink {
  const failure = {
    code: 'DNS_UNREACHABLE',
    message: 'no resolver answers',
    hint: 'check /etc/resolv.conf, or name a resolver with --resolver',
  } as const;
  return broken('resolution', name, failure);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join();
}
