import type { HostedZone } from '../aws/aws-account.ts';

/** The zones that a name may be kept in. */
export interface ZoneMatch {
  /** Public zones of the longest name that the host name ends with; more than one when several have this name. */
  readonly zones: readonly HostedZone[];
  /** Private zones whose name it ends with; only a VPC sees them. */
  readonly privateZones: readonly HostedZone[];
}

/** Finds the zones for a name. Pure. */
export function matchZones(name: string, zones: readonly HostedZone[]): ZoneMatch {
  const fitting = zones.filter((zone) => name === zone.name || name.endsWith(`.${zone.name}`));
  const open = fitting.filter(({ isPrivate }) => !isPrivate);
  const longest = Math.max(...open.map((zone) => zone.name.length), 0);
  return {
    zones: open.filter((zone) => zone.name.length === longest),
    privateZones: fitting.filter(({ isPrivate }) => isPrivate),
  };
}

/** Every name that a zone for `name` could have, the longest first; not the root. */
export function suffixesOf(name: string): readonly string[] {
  const labels = name.split('.').filter((label) => label !== '*');
  return labels.map((_, index) => labels.slice(index).join('.'));
}
