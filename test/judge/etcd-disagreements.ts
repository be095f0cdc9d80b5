import type { KindDisagreement } from './kinds.ts';

/** What we refuse and etcd 3.4 of Debian 12, built with Go 1.19, accepts. No entry is ever `good`. */
export const ETCD_DISAGREEMENTS: readonly KindDisagreement[] = [
  {
    ours: 'bad',
    kinds: [
      'certificate inhibit-any-huge',
      'certificate inhibit-any-malformed',
      'certificate policy-constraints-malformed',
      'certificate policy-mappings-malformed',
    ],
    reason: 'Go parses these extensions since 1.24',
  },
  {
    ours: 'bad',
    kinds: [
      'certificate algorithm-oid-padded',
      'certificate basic-path-negative',
      'certificate name-bmp-noncharacter',
      'certificate name-bmp-surrogate',
      'certificate policies-padded-oid',
      'certificate policies-twice',
    ],
    reason: 'newer releases of Go parse these fields more strictly than 1.19',
  },
  {
    ours: 'bad',
    kinds: ['certificate san-uri-ipv6'],
    reason: 'a URI name with an IPv6 host is not parsed; no Kubernetes certificate has one',
  },
  {
    ours: 'bad',
    kinds: [
      'chain of a client constraint-mapped-address',
      'chain of a client constraint-second-bits-behind-mask',
      'chain of a client constraint-uri-without-host',
      'chain of a client constraint-wildcard-excluded',
      'chain of a peer constraint-second-bits-behind-mask',
      'chain of a peer constraint-uri-without-host',
      'chain of a server constraint-second-bits-behind-mask',
    ],
    reason: 'Go 1.26 has a new evaluation of name constraints, which refuses these',
  },
  {
    ours: 'bad',
    kinds: ['pair key-other-coefficient', 'pair key-other-dp', 'pair key-primes-swapped'],
    reason: 'Go compares the precomputed numbers of an RSA key with its primes since 1.24',
  },
];
