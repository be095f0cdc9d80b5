import type { DnsRecordType } from '@kube-rescue/host';
import { type DnsRecordSet, plainName } from '../aws/record-set.ts';
import type { WantedName } from './record-condition.ts';
import { addressesIn, type DnsSession, probedName } from './dns-session.ts';
import { broken, good, type JudgedCondition } from './condition.ts';
import type { ZoneView } from './record-condition.ts';

/** Checks that the name servers of the zone and the resolvers return the records of the zone. */
export async function judgeResolution(
  { name }: WantedName,
  { zone, records }: ZoneView,
  held: readonly DnsRecordSet[],
  dns: DnsSession,
): Promise<{ readonly condition: JudgedCondition; readonly addresses: readonly string[] }> {
  const asked = probedName(name);
  const type: DnsRecordType = held.some((each) => each.type !== 'AAAA') || held.length === 0 ? 'A' : 'AAAA';
  const answers = await dns.resolveEverywhere(asked, type);
  const answered = answers.filter((answer) => answer !== undefined);
  const addresses = addressesIn(answered[0]);
  const resolved = answered.map(
    (answer) => `resolver ${answer.server} answers ${addressesIn(answer).join(', ') || answer.code}`,
  );
  if (answered.length === 0) return { addresses, condition: unreachable(name) };
  const servers = records?.find((each) => each.name === zone?.name && each.type === 'NS')?.values.map(plainName) ?? [];
  const own = servers[0] === undefined ? undefined : await dns.askServer(servers[0], asked, type);
  const truth = addressesIn(own);
  const evidence =
    own === undefined ? resolved : [`${servers[0]} answers ${truth.join(', ') || own.code}`, ...resolved];
  const stored = held
    .filter((each) => each.type === type && each.aliasTarget === undefined)
    .flatMap(({ values }) => values);
  if (own?.status === 'found' && stored.length > 0 && !isSame(truth, stored)) {
    return {
      addresses,
      condition: broken('resolution', name, staleServer, [`the zone holds ${stored.join(', ')}`, ...evidence]),
    };
  }
  const silent = answered.find((answer) => addressesIn(answer).length === 0);
  if (silent !== undefined && truth.length > 0 && silent.status !== 'other') {
    return { addresses, condition: broken('resolution', name, staleResolver(undefined), evidence) };
  }
  if (silent !== undefined)
    return { addresses, condition: broken('resolution', name, unresolved(silent.code), evidence) };
  // A Route 53 alias and a CNAME to another zone may answer differently every time.
  const isFixed = stored.length > 0 && truth.length > 0;
  const stale = isFixed ? answered.find((answer) => !isSame(addressesIn(answer), truth)) : undefined;
  if (stale !== undefined) {
    const ttl = Math.max(...stale.records.map((each) => each.ttl), 0);
    return { addresses, condition: broken('resolution', name, staleResolver(ttl), evidence) };
  }
  return { addresses, condition: good('resolution', name, 'the name resolves', evidence) };
}

const staleServer = {
  code: 'DNS_SERVER_STALE',
  message: 'the name servers of the zone do not return its records',
  hint: 'wait for the change to be INSYNC, at most a minute; after that, look for another zone of the same name',
} as const;

function staleResolver(ttl: number | undefined) {
  return {
    code: 'DNS_RESOLVER_STALE',
    message: 'a resolver returns an outdated answer',
    hint:
      ttl === undefined
        ? 'wait until the negative answer expires (the last number of the zone’s SOA record), or flush the resolver cache'
        : `wait ${ttl} s for the record to expire, or flush the resolver cache`,
  } as const;
}

function unresolved(code: string) {
  return {
    code: 'DNS_NAME_UNRESOLVED',
    message: `the name does not resolve: ${code}`,
    hint: 'fix the broken conditions listed above; SERVFAIL means a broken delegation or a DNSSEC failure',
  } as const;
}

function unreachable(name: string): JudgedCondition {
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
