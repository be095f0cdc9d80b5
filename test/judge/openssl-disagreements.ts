import type { KindDisagreement } from './kinds.ts';

/** Where `openssl verify -x509_strict` (OpenSSL 3.0 of Debian 12) answers otherwise than we do. */
export const OPENSSL_DISAGREEMENTS: readonly KindDisagreement[] = [
  {
    ours: 'good',
    kinds: [
      'intermediate-without-key-identifiers',
      'leaf-without-key-identifier',
      'root-version-1',
      'root-without-key-identifier',
      'without-key-identifiers',
    ],
    reason: 'strict mode demands the key identifiers of RFC 5280; Go does without them',
  },
  {
    ours: 'good',
    kinds: ['root-without-key-usage'],
    reason: 'strict mode demands a keyUsage of a CA; Go takes a CA without one for any use',
  },
  {
    ours: 'good',
    kinds: ['key-identifier-mismatch'],
    reason:
      'OpenSSL finds an issuer by the key identifier; Go by name and signature, so ours is a warning beside the good chain',
  },
  {
    ours: 'good',
    kinds: ['leaf-any-usage', 'root-eku-any'],
    reason: 'OpenSSL does not take anyExtendedKeyUsage for serverAuth and clientAuth; Go does',
  },
  {
    ours: 'good',
    kinds: ['leaf-key-usage-cert-sign'],
    reason: 'strict mode refuses keyCertSign without CA:TRUE; Go reads the key usage of signers alone',
  },
  {
    ours: 'good',
    kinds: ['root-directory-constraint'],
    reason: 'OpenSSL evaluates constraints on directory names; Go passes over them unless they are critical',
  },
  {
    ours: 'good',
    kinds: ['host-address-mapped'],
    reason: 'Go takes an IPv4 address in 16 bytes for the same address; OpenSSL compares the bytes',
  },
  {
    ours: 'good',
    kinds: ['host-trailing-dot'],
    reason: 'Go ignores the dot at the end of the name that it dials; OpenSSL does not',
  },
  {
    ours: 'bad',
    kinds: [
      'scheme/ecdsa-sha1',
      'scheme/ecdsa-sha224',
      'scheme/pss-sha256-salt-20',
      'scheme/rsa-md5',
      'scheme/rsa-sha1',
      'scheme/rsa-sha224',
    ],
    reason: 'Go verifies SHA-256, SHA-384 and SHA-512 alone, and PSS with a salt as long as its hash',
  },
  {
    ours: 'bad',
    kinds: [
      'ca-key/brainpool',
      'ca-key/dsa',
      'ca-key/ed448',
      'ca-key/rsa-1023',
      'ca-key/rsa-512',
      'ca-key/rsa-pss',
      'ca-key/secp256k1',
    ],
    reason: 'Go does not verify with these keys; OpenSSL does at the security level of its command',
  },
  {
    ours: 'bad',
    kinds: ['constraint-mapped-address'],
    reason: 'Go takes an IPv4 address in 16 bytes for IPv4, which no IPv6 range permits; OpenSSL compares the bytes',
  },
  {
    ours: 'bad',
    kinds: ['constraint-second-bits-behind-mask'],
    reason: 'Go 1.26 tries the nearest range alone, and bits behind a mask hide the right one; OpenSSL tries each',
  },
  {
    ours: 'bad',
    kinds: ['constraint-uri-without-host'],
    reason:
      'Go refuses a URI without a host below a CA with any name constraints; OpenSSL only below constraints on URIs',
  },
  {
    ours: 'bad',
    kinds: ['constraint-wildcard-excluded'],
    reason: 'a wildcard stands for the excluded name too; OpenSSL compares its text',
  },
  {
    ours: 'bad',
    kinds: ['policy-demanded', 'policy-demanded-by-root'],
    reason:
      'Go evaluates policy constraints, or before 1.24 refuses critical ones; OpenSSL does with -policy_check alone',
  },
  {
    ours: 'bad',
    kinds: ['host-wildcard-partial'],
    reason: 'Go takes a wildcard for a whole label alone; OpenSSL also for a part of one',
  },
  {
    ours: 'bad',
    kinds: ['host-without-names'],
    reason: 'Go ignores the common name; OpenSSL falls back to it',
  },
];
