import type { HostedZone } from '../aws/aws-account.ts';
import type { NamedZones } from '../credentials/named-zones.ts';

/** The zones that may hold a name. */
export interface ZoneMatch {
  /** Public zones with the longest matching name; more than one when several zones have this name. */
  readonly zones: readonly HostedZone[];
  /** Private zones with a matching name; visible in their VPC only. */
  readonly privateZones: readonly HostedZone[];
}

/**
 * Finds the zones for a name. Pure.
 *
 * @param named zones that the workload names by id: where one of them fits, longer names of other zones do not count
 */
export function matchZones(name: string, zones: readonly HostedZone[], named?: NamedZones): ZoneMatch {
  const fitting = zones.filter((zone) => name === zone.name || name.endsWith(`.${zone.name}`));
  const open = fitting.filter(({ isPrivate }) => !isPrivate);
  const written = open.filter(({ id }) => named?.ids.includes(id) === true);
  const longest = Math.max(...(written.length > 0 ? written : open).map((zone) => zone.name.length), 0);
  return {
    zones: open.filter((zone) => zone.name.length === longest),
    privateZones: fitting.filter(({ isPrivate }) => isPrivate),
  };
}

/** Every possible zone name for `name`, the longest first, without the root. */
export function suffixesOf(name: string): readonly string[] {
  const labels = name.split('.').filter((label) => label !== '*');
  return labels.map((_, index) => labels.slice(index).join('.'));
}
