import { type Answer, type Question, RCODE, TYPE_A } from './dns-packet.ts';

/** The fields of a Service that DNS reads. */
export interface DnsService {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly clusterIP?: string };
}

const TTL_SECONDS = 30;

/** The names of a cluster's Services. */
export interface ServiceRecords {
  readonly domain: string;
  /** Addresses by full name, without the last dot. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Names that exist without an address because they have names below them. */
  readonly parents: ReadonlySet<string>;
}

/** @param domain for example `cluster.local` */
export function createServiceRecords(services: readonly DnsService[], domain: string): ServiceRecords {
  const addresses = new Map<string, string>();
  const parents = new Set([domain, `svc.${domain}`]);
  for (const { metadata, spec } of services) {
    const { clusterIP = '' } = spec;
    parents.add(`${metadata.namespace}.svc.${domain}`);
    if (/^\d+(\.\d+){3}$/.test(clusterIP))
      addresses.set(`${metadata.name}.${metadata.namespace}.svc.${domain}`, clusterIP);
  }
  return { domain, addresses, parents };
}

/** @param records `undefined` until the Services have been read */
export function answer({ name, type }: Question, domain: string, records: ServiceRecords | undefined): Answer {
  const nothing = { addresses: [], ttl: TTL_SECONDS };
  if (name !== domain && !name.endsWith(`.${domain}`)) return { ...nothing, rcode: RCODE.REFUSED };
  if (records === undefined) return { ...nothing, rcode: RCODE.SERVFAIL };
  const address = records.addresses.get(name);
  if (address === undefined) {
    return { ...nothing, rcode: records.parents.has(name) ? RCODE.NOERROR : RCODE.NXDOMAIN, zone: domain };
  }
  return { ...nothing, addresses: type === TYPE_A ? [address] : [], rcode: RCODE.NOERROR, zone: domain };
}
