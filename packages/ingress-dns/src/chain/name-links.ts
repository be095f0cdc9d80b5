import { isRecoveryError } from '@kube-rescue/errors';
import type { DnsRecordType, Host } from '@kube-rescue/host';
import type { HostedZone } from '../aws/aws-account.ts';
import { type DnsRecordSet, plainName } from '../aws/record-set.ts';
import type { WantedName } from '../wanted-name.ts';
import { addressesIn, type DnsSession } from './dns-session.ts';
import { broken, good, type SeenLink, unknown } from './link.ts';

const ADDRESS_TYPES: readonly string[] = ['A', 'AAAA', 'CNAME'];
const PROBE_LABEL = 'kube-rescue-check';

/** How an endpoint is asked. */
export interface EndpointProbe {
  readonly scheme: 'http' | 'https';
  /** Default: that of the scheme. */
  readonly port?: number | undefined;
}

export interface NameDeps {
  readonly dns: DnsSession;
  readonly host: Pick<Host, 'request'>;
  /** `undefined`: endpoints are not asked. */
  readonly endpoint: EndpointProbe | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is known of the zone of a name. */
export interface ZoneView {
  readonly zone: HostedZone | undefined;
  readonly records: readonly DnsRecordSet[] | undefined;
}

/** Judges the last links of one name: what its zone holds, what the world is told, whether its endpoint answers. */
export async function judgeName(wanted: WantedName, view: ZoneView, deps: NameDeps): Promise<readonly SeenLink[]> {
  const held = findRecords(wanted.name, view.records ?? []);
  const record = await judgeRecord(wanted, view, held, deps.dns);
  const { link: resolution, addresses } = await judgeResolution(wanted, view, held, deps.dns);
  if (deps.endpoint === undefined) return [record, resolution];
  const fallback = [...wanted.targets, ...held.flatMap(({ values }) => values)].filter(isAddress);
  return [record, resolution, await judgeEndpoint(wanted.name, addresses, fallback, deps.endpoint, deps)];
}

/** The records that answer for a name: its own, otherwise those of the nearest wildcard. */
function findRecords(name: string, records: readonly DnsRecordSet[]): readonly DnsRecordSet[] {
  const labels = name.split('.');
  const names = [name, ...labels.slice(1).map((_, index) => ['*', ...labels.slice(index + 1)].join('.'))];
  for (const each of names) {
    const found = records.filter((record) => record.name === each && ADDRESS_TYPES.includes(record.type));
    if (found.length > 0) return found;
  }
  return [];
}

async function judgeRecord(
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

async function judgeResolution(
  { name }: WantedName,
  { zone, records }: ZoneView,
  held: readonly DnsRecordSet[],
  dns: DnsSession,
): Promise<{ readonly link: SeenLink; readonly addresses: readonly string[] }> {
  const asked = name.replace(/^\*/, PROBE_LABEL);
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

const ENDPOINT_TIMEOUT_MS = 5000;
const SERVER_ERROR = 500;

/** Asks the endpoint by its name; when the name leads nowhere, by the address that it should have. */
async function judgeEndpoint(
  name: string,
  addresses: readonly string[],
  fallback: readonly string[],
  { scheme, port }: EndpointProbe,
  { host, signal }: NameDeps,
): Promise<SeenLink> {
  const url = `${scheme}://${name.replace(/^\*/, PROBE_LABEL)}${port === undefined ? '' : `:${port}`}/`;
  const byName = addresses.length > 0;
  const [address] = byName ? addresses : fallback;
  if (address === undefined) return unknown('endpoint', name, 'nobody knows its address');
  const seen = await host
    .request({ url, address, timeoutMs: ENDPOINT_TIMEOUT_MS, signal })
    .then(({ status }) => ({ status, reason: undefined }))
    .catch((error: unknown) => {
      if (!isRecoveryError(error, 'HOST_CONNECTION_FAILED')) throw error;
      return { status: undefined, reason: error.message };
    });
  const evidence = [`GET ${url} at ${address}: ${seen.status === undefined ? seen.reason : `status ${seen.status}`}`];
  if (seen.status === undefined || seen.status >= SERVER_ERROR) {
    const failure = {
      code: 'DNS_ENDPOINT_DEAD',
      message:
        seen.status === undefined ? 'its endpoint does not answer' : `its endpoint answers with status ${seen.status}`,
      hint: 'look at the ingress controller and the service behind it; DNS is not what is wrong here',
    } as const;
    return broken('endpoint', name, failure, evidence);
  }
  if (byName) return good('endpoint', name, 'its endpoint answers by name', evidence);
  return {
    ...unknown('endpoint', name, 'its endpoint answers by address with the Host header, not by name', evidence),
    status: 'broken',
    code: 'DNS_NAME_UNRESOLVED',
    hint: 'put right what is broken before this link',
  };
}

function describeRecord({ name, type, ttl, values, aliasTarget }: DnsRecordSet): string {
  return aliasTarget === undefined
    ? `${name} ${ttl} ${type} ${values.join(' ')}`
    : `${name} ${type} alias of ${aliasTarget}`;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join();
}

function isAddress(text: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(text) || text.includes(':');
}

function withoutDualstack(name: string): string {
  return name.replace(/^dualstack\./, '');
}
