import { randomBytes } from 'node:crypto';
import type { RecordSet, ServedZone } from './name-server.ts';
import { AwsRefusal } from './aws-refusal.ts';

export interface ZoneOptions {
  /** Without the last dot. */
  readonly name: string;
  /** A private zone of a VPC, which is never served. Default: false. */
  readonly isPrivate?: boolean;
}

/** A hosted zone; the NS records of its apex are its delegation set. */
export interface HostedZone {
  readonly id: string;
  readonly name: string;
  readonly isPrivate: boolean;
  /** Names of its name servers. */
  readonly nameServers: readonly string[];
  readonly records: readonly HostedRecord[];
}

/** A record set, or an alias to another name of the zone. */
export interface HostedRecord extends RecordSet {
  readonly aliasTarget?: string | undefined;
}

export interface RecordChange {
  readonly action: 'CREATE' | 'DELETE' | 'UPSERT';
  readonly record: HostedRecord;
}

const NAME_SERVERS = 4;
const APEX_TTL = 172_800;

/** The hosted zones of one account. */
export class HostedZones {
  readonly #zones = new Map<string, HostedZone>();
  readonly #changes = new Map<string, number>();
  #delegationSets = 0;

  add({ name, isPrivate = false }: ZoneOptions): HostedZone {
    const id = `Z${randomBytes(10).toString('hex').toUpperCase()}`;
    const set = (this.#delegationSets += 1);
    const nameServers = Array.from({ length: NAME_SERVERS }, (_, index) => `ns-${set}-${index}.awsdns.test`);
    const ns = { name, type: 'NS', ttl: APEX_TTL, values: nameServers.map((each) => `${each}.`) };
    const soa = {
      name,
      type: 'SOA',
      ttl: 900,
      values: [`${nameServers[0]}. hostmaster.${name}. 1 7200 900 1209600 86400`],
    };
    const zone: HostedZone = { id, name, isPrivate, nameServers, records: [ns, soa] };
    this.#zones.set(id, zone);
    return zone;
  }

  /** Sorted as Route 53 sorts: by the labels from the last to the first, then by id. */
  list(): readonly HostedZone[] {
    return [...this.#zones.values()].toSorted(
      (a, b) => compare(reversed(a.name), reversed(b.name)) || compare(a.id, b.id),
    );
  }

  /** @throws AwsRefusal `NoSuchHostedZone` */
  get(id: string): HostedZone {
    const zone = this.#zones.get(id);
    if (zone === undefined) throw new AwsRefusal(404, 'NoSuchHostedZone', `No hosted zone found with ID: ${id}`);
    return zone;
  }

  /** Sorted by reversed name, then type. */
  records(id: string): readonly HostedRecord[] {
    return this.get(id).records.toSorted(
      (a, b) => compare(reversed(a.name), reversed(b.name)) || compare(a.type, b.type),
    );
  }

  /**
   * Applies all changes or none.
   * @returns the id of the change
   * @throws AwsRefusal `InvalidChangeBatch` `NoSuchHostedZone`
   */
  change(id: string, changes: readonly RecordChange[]): string {
    const zone = this.get(id);
    const records = changes.reduce((present, change) => applied(present, change, zone), zone.records);
    this.#zones.set(id, { ...zone, records });
    const changeId = `C${randomBytes(10).toString('hex').toUpperCase()}`;
    this.#changes.set(changeId, 0);
    return changeId;
  }

  /** Counts the requests for this change, this one included. @throws AwsRefusal `NoSuchChange` */
  countRequest(changeId: string): number {
    const requests = this.#changes.get(changeId);
    if (requests === undefined)
      throw new AwsRefusal(404, 'NoSuchChange', `Could not find resource with ID: ${changeId}`);
    this.#changes.set(changeId, requests + 1);
    return requests + 1;
  }

  /** The zones for the name servers: of several public zones with one name only the oldest. */
  served(): readonly ServedZone[] {
    const zones = new Map<string, ServedZone>();
    for (const { name, isPrivate, records } of this.#zones.values()) {
      if (isPrivate || zones.has(name)) continue;
      zones.set(name, { name, records: records.flatMap((record) => served(record, records)) });
    }
    return [...zones.values()];
  }
}

function applied(
  records: readonly HostedRecord[],
  { action, record }: RecordChange,
  zone: HostedZone,
): readonly HostedRecord[] {
  const shown = `[name='${record.name}.', type='${record.type}']`;
  if (record.name !== zone.name && !record.name.endsWith(`.${zone.name}`)) {
    throw invalid(`RRSet with DNS name ${record.name}. is not permitted in zone ${zone.name}.`);
  }
  const existing = records.find(({ name, type }) => name === record.name && type === record.type);
  const others = records.filter((each) => each !== existing);
  if (action === 'CREATE' && existing !== undefined) {
    throw invalid(`Tried to create resource record set ${shown} but it already exists`);
  }
  if (action !== 'DELETE') return [...others, record];
  if (existing === undefined) throw invalid(`Tried to delete resource record set ${shown} but it was not found`);
  if (existing.ttl !== record.ttl || existing.values.join() !== record.values.join()) {
    throw invalid(
      `Tried to delete resource record set ${shown} but the values provided do not match the current values`,
    );
  }
  return others;
}

/** A zone file has its own SOA record and no aliases. */
function served(record: HostedRecord, all: readonly HostedRecord[]): readonly RecordSet[] {
  if (record.type === 'SOA') return [];
  if (record.aliasTarget === undefined) return [record];
  const target = all.find(({ name, type }) => name === record.aliasTarget && type === record.type);
  return target === undefined ? [] : [{ ...target, name: record.name }];
}

function invalid(message: string): AwsRefusal {
  return new AwsRefusal(400, 'InvalidChangeBatch', `[${message}]`);
}

function reversed(name: string): string {
  return name.split('.').toReversed().join('.');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
