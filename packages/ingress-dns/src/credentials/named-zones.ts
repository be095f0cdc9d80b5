/** Hosted zones that a workload names by their ids. */
export interface NamedZones {
  /** Without `/hostedzone/`. */
  readonly ids: readonly string[];
  /** For messages: `AWS_HOSTED_ZONE_ID`. */
  readonly by: string;
  /** The workload lists the zones of the account all the same, and skips the others. */
  readonly areListed: boolean;
}

/** The variable of lego, and so of Traefik: the zone with this id is asked, and none is looked up by name. */
export const ZONE_VARIABLE = 'AWS_HOSTED_ZONE_ID';

/** The zones in a setting; `undefined` when the setting names none. */
export function namedZones(
  by: string,
  texts: readonly (string | undefined)[],
  { areListed = false }: { readonly areListed?: boolean } = {},
): NamedZones | undefined {
  const ids = texts.map((text = '') => text.trim().replace(/^\/?hostedzone\//, '')).filter((id) => id !== '');
  return ids.length === 0 ? undefined : { ids: [...new Set(ids)], by, areListed };
}
