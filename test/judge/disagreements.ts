/** Why we refuse what Go accepts: on purpose, for a part of the corpus. The other direction has no entries. */
export interface Disagreement {
  /** Matches the id of an item. */
  readonly items: RegExp;
  readonly reason: string;
}

export const DISAGREEMENTS: readonly Disagreement[] = [
  {
    items: /^certificate\/\w+\/san-uri-ipv6$/,
    reason: 'a URI name with an IPv6 host is not parsed; no Kubernetes certificate has one',
  },
  {
    items: /^signing-key\/odd\/x25519$/,
    reason: 'client-go parses an X25519 key, but nothing can be signed with it',
  },
];
