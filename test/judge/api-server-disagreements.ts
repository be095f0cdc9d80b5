import type { KindDisagreement } from './kinds.ts';

/** What we refuse and kube-apiserver 1.20, built with Go 1.19, starts with. No entry is ever `good`. */
export const API_SERVER_DISAGREEMENTS: readonly KindDisagreement[] = [
  {
    ours: 'bad',
    kinds: [
      'pair key-other-coefficient',
      'pair key-other-dp',
      'pair key-primes-swapped',
      'service account key other-coefficient',
      'service account key other-dp',
      'service account key primes-swapped',
    ],
    reason: 'Go compares the precomputed numbers of an RSA key with its primes since 1.24',
  },
  {
    ours: 'bad',
    kinds: ['pair broken-second-certificate'],
    reason: 'the API server does not parse the certificates behind its own; its clients do',
  },
  {
    ours: 'bad',
    kinds: ['pair odd/p-224'],
    reason: 'the API server starts, but no handshake with P-224 succeeds',
  },
];
