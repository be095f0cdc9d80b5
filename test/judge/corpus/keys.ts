import { generateKeyPairSync, type KeyObject } from 'node:crypto';

/** A key pair of the corpus. */
export interface KeyPair {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly spki: Buffer;
}

function pair(name: string, made: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }): KeyPair {
  return { name, privateKey: made.privateKey, spki: made.publicKey.export({ format: 'der', type: 'spki' }) };
}

const ec = (namedCurve: string): KeyPair => pair(`ec-${namedCurve}`, generateKeyPairSync('ec', { namedCurve }));
const rsa = (modulusLength: number, publicExponent = 65_537): KeyPair =>
  pair(`rsa-${modulusLength}-${publicExponent}`, generateKeyPairSync('rsa', { modulusLength, publicExponent }));

/** The keys that Go uses for TLS: one for CAs and one for leaves of each kind. */
export const GOOD_KEYS = {
  rsa: [rsa(2048), rsa(2048)],
  p256: [ec('prime256v1'), ec('prime256v1')],
  p384: [ec('secp384r1'), ec('secp384r1')],
  p521: [ec('secp521r1'), ec('secp521r1')],
  ed25519: [pair('ed25519', generateKeyPairSync('ed25519')), pair('ed25519', generateKeyPairSync('ed25519'))],
} as const satisfies Readonly<Record<string, readonly [KeyPair, KeyPair]>>;

export type GoodKey = keyof typeof GOOD_KEYS;

/** Keys that Go refuses somewhere, and small ones that it accepts. */
export const ODD_KEYS: Readonly<Record<string, KeyPair>> = {
  'rsa-512': rsa(512),
  'rsa-1023': rsa(1023),
  'rsa-1024': rsa(1024),
  'rsa-exponent-3': rsa(2048, 3),
  'rsa-pss': pair('rsa-pss', generateKeyPairSync('rsa-pss', { modulusLength: 2048 })),
  'p-224': ec('secp224r1'),
  secp256k1: ec('secp256k1'),
  brainpool: ec('brainpoolP256r1'),
  ed448: pair('ed448', generateKeyPairSync('ed448')),
  x25519: pair('x25519', generateKeyPairSync('x25519')),
  dsa: pair('dsa', generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })),
};
