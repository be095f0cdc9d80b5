const PROBE_LABEL = 'kube-rescue-check';

/** The name that is asked for: of a wildcard, one that it covers. */
export function probedName(name: string): string {
  return name.replace(/^\*/, PROBE_LABEL);
}
