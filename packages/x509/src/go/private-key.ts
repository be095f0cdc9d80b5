import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto';
import { encodeDer } from '../encoding/der.ts';
import { DerReader } from './der-reader.ts';
import { checkRsaNumbers, type RsaNumbers } from './rsa-key.ts';
import { findCurve, type GoCurve, type GoPublicKey } from './public-key.ts';
import { catchFault, refuse } from './rules.ts';

const MALFORMED = 'private-key-malformed';
const OID = { rsa: '2a864886f70d010101', ec: '2a8648ce3d0201', ed25519: '2b6570' } as const;

/** The label that client-go expects for an encoding. */
type GoKeyEncoding = 'RSA PRIVATE KEY' | 'PRIVATE KEY' | 'EC PRIVATE KEY';

/** A private key as Go parses it: only its public half and its encoding. */
export interface GoPrivateKey {
  readonly encoding: GoKeyEncoding;
  readonly publicKey: GoPublicKey;
}

function toMinimalInteger(content: Uint8Array): bigint {
  return new DerReader(encodeDer(0x02, content), MALFORMED).readInteger();
}

/** PKCS#1 (RFC 8017 appendix A.1.2). */
function readRsa(der: Uint8Array): GoPublicKey {
  const outer = new DerReader(der, MALFORMED);
  const sequence = outer.enter(0x30);
  if (!outer.isEmpty || sequence.readSmallInteger() > 1n) refuse(MALFORMED);
  const modulus = sequence.readInteger();
  const exponent = sequence.readSmallInteger();
  const next = (): bigint | undefined => {
    const content = sequence.readOptionalField(0x02);
    return content === undefined ? undefined : toMinimalInteger(content);
  };
  const numbers: RsaNumbers = {
    modulus,
    exponent,
    privateExponent: sequence.readInteger(),
    primes: [sequence.readInteger(), sequence.readInteger()],
    exponents: [next(), next()],
    coefficient: next(),
    hasMorePrimes: sequence.readOptionalField(0x30) !== undefined,
  };
  checkRsaNumbers(numbers);
  return { kind: 'rsa', modulus, exponent };
}

const NODE_CURVES: Readonly<Record<GoCurve, { readonly name: string; readonly bytes: number }>> = {
  'P-224': { name: 'secp224r1', bytes: 28 },
  'P-256': { name: 'prime256v1', bytes: 32 },
  'P-384': { name: 'secp384r1', bytes: 48 },
  'P-521': { name: 'secp521r1', bytes: 66 },
};

/** The point of a private scalar; refuses one outside 1 to n-1. */
function pointOf(curve: GoCurve, scalar: Uint8Array): Uint8Array {
  const { name, bytes } = NODE_CURVES[curve];
  const excess = scalar.length - bytes;
  if (excess > 0 && scalar.subarray(0, excess).some((byte) => byte !== 0)) refuse(MALFORMED);
  const padded = Buffer.alloc(bytes);
  Buffer.from(excess > 0 ? scalar.subarray(excess) : scalar).copy(padded, Math.max(0, -excess));
  const pair = createECDH(name);
  try {
    pair.setPrivateKey(padded);
    return pair.getPublicKey();
  } catch {
    return refuse(MALFORMED);
  }
}

/** SEC 1 (RFC 5915); Go takes the public key from the scalar. */
function readEc(der: Uint8Array, outerCurve: GoCurve | undefined): GoPublicKey {
  const sequence = new DerReader(der, MALFORMED).enter(0x30);
  if (sequence.readSmallInteger() !== 1n) refuse(MALFORMED);
  const scalar = sequence.read(0x04);
  const named = sequence.enterOptionalField(0xa0, 0x06)?.readOid();
  sequence.enterOptionalField(0xa1, 0x03)?.readBitString();
  const curve = outerCurve ?? (named === undefined ? undefined : findCurve(named));
  if (curve === undefined) return refuse(MALFORMED, 'its curve');
  return { kind: 'ecdsa', curve, point: pointOf(curve, scalar) };
}

/** RFC 8410 section 7, without a public key. */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

function readEd25519(content: Uint8Array): GoPublicKey {
  const seed = new DerReader(content, MALFORMED).read(0x04);
  if (seed.length !== 32) refuse(MALFORMED);
  const key = createPrivateKey({ key: Buffer.concat([ED25519_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  return { kind: 'ed25519', bytes: createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32) };
}

/** PKCS#8 (RFC 5208). */
function readPkcs8(der: Uint8Array): GoPublicKey {
  const sequence = new DerReader(der, MALFORMED).enter(0x30);
  sequence.readSmallInteger();
  const algorithm = sequence.enter(0x30);
  const oid = algorithm.readOid();
  const parameters = algorithm.isEmpty ? undefined : algorithm.readAny();
  const content = sequence.read(0x04);
  if (oid === OID.rsa) return readRsa(content);
  if (oid === OID.ed25519) return parameters === undefined ? readEd25519(content) : refuse(MALFORMED);
  if (oid !== OID.ec) return refuse(MALFORMED, 'its algorithm');
  if (parameters?.tag !== 0x06) return readEc(content, undefined);
  const named = new DerReader(parameters.bytes, MALFORMED).readOid();
  return readEc(content, findCurve(named) ?? refuse(MALFORMED, 'its curve'));
}

const READERS: readonly (readonly [GoKeyEncoding, (der: Uint8Array) => GoPublicKey])[] = [
  ['RSA PRIVATE KEY', readRsa],
  ['PRIVATE KEY', readPkcs8],
  ['EC PRIVATE KEY', (der) => readEc(der, undefined)],
];

/** Parses a private key as crypto/tls does: as PKCS#1, as PKCS#8, then as SEC 1, whatever its label. */
export function readGoPrivateKey(der: Uint8Array): GoPrivateKey {
  for (const [encoding, read] of READERS) {
    const publicKey = catchFault(() => read(der));
    if (publicKey.ok) return { encoding, publicKey: publicKey.value };
  }
  return refuse(MALFORMED);
}
