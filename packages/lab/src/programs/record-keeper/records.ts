import type { HostedZone, ResourceRecordSet } from '@aws-sdk/client-route-53';

const TTL_SECONDS = 60;

/** The public zone of `host` with the longest name. */
export function chooseZone(zones: readonly HostedZone[], host: string): HostedZone | undefined {
  const fitting = zones.filter(({ Name = '', Config }) => {
    const zone = withoutDot(Name);
    return Config?.PrivateZone !== true && (host === zone || host.endsWith(`.${zone}`));
  });
  return fitting.toSorted((a, b) => (b.Name ?? '').length - (a.Name ?? '').length)[0];
}

/** The record to write, if it is missing or has another value. */
export function findOutdated(
  records: readonly ResourceRecordSet[],
  host: string,
  target: string,
): ResourceRecordSet | undefined {
  const present = records.find(({ Name = '', Type }) => withoutDot(Name) === host && Type === 'A');
  if (present?.ResourceRecords?.length === 1 && present.ResourceRecords[0]?.Value === target) return undefined;
  return { Name: `${host}.`, Type: 'A', TTL: TTL_SECONDS, ResourceRecords: [{ Value: target }] };
}

function withoutDot(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
