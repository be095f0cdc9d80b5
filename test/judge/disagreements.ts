/** Why we refuse what Go accepts: on purpose, for a part of the corpus. The other direction has no entries. */
export interface Disagreement {
  /** Matches the id of an item. */
  readonly items: RegExp;
  /** Matches our judgement. Default: any. */
  readonly own?: RegExp;
  readonly reason: string;
}

export const DISAGREEMENTS: readonly Disagreement[] = [
  {
    items: /^certificate\/\w+\/san-uri-ipv6$/,
    reason: 'a URI name with an IPv6 host is not parsed; no Kubernetes certificate has one',
  },
  {
    items: /^chain\/\w+\/(?:direct-)?constraint-excluded-(?:mapped-address|second-bits-behind-mask)$/,
    reason: 'Go 1.26 misses an excluded range that Go before 1.26 finds; either may be in use',
  },
  {
    items: /^chain\/\w+\/(?:direct-)?policy-demanded-by-root$/,
    reason: 'Go before 1.24 does not evaluate critical policy constraints, and refuses them',
  },
  {
    items: /^certificate\/\w+\/policies-huge-arc$/,
    reason: 'Go before 1.22 does not read a policy with such a number',
  },
  {
    items: /^signing-key\/odd\/x25519$/,
    reason: 'client-go parses an X25519 key, but nothing can be signed with it',
  },
  {
    items: /^kubeconfig\//,
    own: /users has no entry/,
    reason: 'client-go goes on as an anonymous user where the named one is missing; no component works like that',
  },
  {
    items: /^kubeconfig\/cluster\/server-(?:ftp|large-port)$/,
    reason: 'client-go reads the server of a kubeconfig to which it then makes no request',
  },
  {
    items: /^kubeconfig\/document\/tag-binary$/,
    reason: "YAML's own tags of other types are not read; no program writes them into a kubeconfig",
  },
  {
    items: /^kubeconfig\/document\/(?:cr|unicode-line-break)$/,
    reason: 'lines that end with a carriage return alone, or with U+0085, are YAML 1.1 that the parser does not read',
  },
];
