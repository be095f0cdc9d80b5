import type * as Route53 from '@aws-sdk/client-route-53';

/** A set of records of a hosted zone; names in lower case, without their last dot. */
export interface DnsRecordSet {
  readonly name: string;
  /** For example `A`. */
  readonly type: string;
  /** Seconds; 0 for an alias. */
  readonly ttl: number;
  /** As in a zone file: addresses, names, text in quotes. */
  readonly values: readonly string[];
  /** The target of a Route 53 alias, which has no values. */
  readonly aliasTarget?: string | undefined;
}

/** Route 53 writes unusual characters, `*` among them, as `\ooo` in octal. */
export function fromRoute53(record: Route53.ResourceRecordSet): DnsRecordSet {
  const { Name = '', Type = '', TTL = 0, ResourceRecords = [], AliasTarget } = record;
  return {
    name: plainName(Name),
    type: Type,
    ttl: TTL,
    values: ResourceRecords.map(({ Value = '' }) => Value),
    aliasTarget: AliasTarget?.DNSName === undefined ? undefined : plainName(AliasTarget.DNSName),
  };
}

export function toRoute53({ name, type, ttl, values }: DnsRecordSet): Route53.ResourceRecordSet {
  return {
    Name: `${name}.`,
    Type: type as Route53.RRType,
    TTL: ttl,
    ResourceRecords: values.map((Value) => ({ Value })),
  };
}

/** A name in lower case without its last dot. */
export function plainName(name: string): string {
  const unescaped = name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return unescaped.replace(/\.$/, '').toLowerCase();
}
