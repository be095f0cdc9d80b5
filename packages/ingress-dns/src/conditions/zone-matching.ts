import type { HostedZone } from '../aws/aws-account.ts';

/** The zones that may hold a name. */
export interface ZoneMatch {
  /** Public zones with the longest matching name; more than one when several zones have this name. */
  readonly zones: readonly HostedZone[];
  /** Private zones with a matching name; visible in their VPC only. */
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

/** Every possible zone name for `name`, the longest first, without the root. */
export function suffixesOf(name: string): readonly string[] {
  const labels = name.split('.').filter((label) => label !== '*');
  return labels.map((_, index) => labels.slice(index).join('.'));
}
