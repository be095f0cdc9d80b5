/** A value with its source. */
export interface Sourced<T> {
  readonly value: T;
  /** For messages: `the Node's spec.podCIDRs`, `--ip-masq of DaemonSet kube-system/kube-flannel`. */
  readonly source: string;
}

/** One line of evidence: `the masquerade flag is true (--ip-masq of …)`. */
export function describeSourced(what: string, { value, source }: Sourced<unknown>): string {
  return `${what}: ${String(value)} (${source})`;
}
